SELECT symbol, first_day::VARCHAR AS first_day, last_day::VARCHAR AS last_day, days, dataset
FROM timespans
ORDER BY dataset, symbol, first_day
