SELECT
    date::VARCHAR AS date,
    files,
    missing,
    bytes,
    listed,
    available,
    degraded,
    pending,
    flat,
    ended,
    completeness,
    not_looked,
    dataset
FROM daily_counts
ORDER BY dataset, date
