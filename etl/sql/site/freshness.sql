SELECT date::VARCHAR AS date, files, median_lag_hours, p95_lag_hours, dataset
FROM freshness
ORDER BY dataset, date
