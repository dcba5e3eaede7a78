SELECT 'never closed; -- 
;