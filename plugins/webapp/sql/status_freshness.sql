SELECT date, files, median_lag_hours, p95_lag_hours
FROM freshness
WHERE dataset = (SELECT dataset FROM build)
ORDER BY date DESC
LIMIT :limit
