SELECT date, files, median_lag_hours, p95_lag_hours
FROM freshness
ORDER BY date DESC
LIMIT :limit
