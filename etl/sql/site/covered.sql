SELECT symbol, nullif(first_day, DATE '0001-01-01')::VARCHAR AS first_day, last_day::VARCHAR AS last_day
FROM covered
WHERE dataset = $dataset
ORDER BY symbol, last_day
