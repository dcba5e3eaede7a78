-- hakem:undoes 1
DROP TABLE public.friends;
