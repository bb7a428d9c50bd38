SELECT
    symbol,
    first_day::VARCHAR AS first_day,
    last_day::VARCHAR AS last_day,
    days,
    condition,
    reason,
    listing_id,
    strftime(looked_at, '%Y-%m-%dT%H:%M:%SZ') AS looked_at,
    dataset
FROM absences
ORDER BY dataset, symbol, first_day
