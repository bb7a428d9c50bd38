SELECT date, files, median_lag_hours, p95_lag_hours, dataset
FROM freshness
WHERE dataset = $dataset AND date BETWEEN $start AND $end
ORDER BY date
