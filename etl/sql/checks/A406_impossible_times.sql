SELECT
    symbol,
    date AS first_day,
    date AS last_day,
    CASE
        WHEN first_seen_at > last_seen_at THEN 'last seen before it was first seen'
        ELSE 'seen when it had vanished'
    END AS detail
FROM day_files
WHERE dataset = $dataset AND (first_seen_at > last_seen_at OR vanished_at <= last_seen_at)
