SELECT symbol, first_day::VARCHAR AS first_day, last_day::VARCHAR AS last_day, days
FROM timespans
WHERE dataset = $dataset
ORDER BY symbol, first_day
