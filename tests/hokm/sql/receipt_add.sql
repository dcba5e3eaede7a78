INSERT INTO public.receipts (id, kind, subject, value)
VALUES ($1, $2, $3, $4)
