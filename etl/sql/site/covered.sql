SELECT symbol, nullif(first_day, DATE '0001-01-01')::VARCHAR AS first_day, last_day::VARCHAR AS last_day, dataset
FROM covered
ORDER BY dataset, symbol, last_day
