;;
;  -- nothing
;