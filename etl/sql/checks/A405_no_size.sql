SELECT
    symbol,
    date AS first_day,
    date AS last_day,
    CASE WHEN file_size_bytes > 0 THEN 'no etag' ELSE 'size ' || file_size_bytes END AS detail
FROM day_files
WHERE dataset = $dataset AND vanished_at IS NULL AND (file_size_bytes <= 0 OR etag = '')
