SELECT date::VARCHAR AS date, files, median_lag_hours, p95_lag_hours
FROM freshness
WHERE dataset = $dataset
ORDER BY date
