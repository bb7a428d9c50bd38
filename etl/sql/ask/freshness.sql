SELECT date, files, median_lag_hours, p95_lag_hours
FROM freshness
WHERE date BETWEEN $start AND $end
ORDER BY date
