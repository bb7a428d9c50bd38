SELECT
    symbol,
    date AS first_day,
    date AS last_day,
    CASE WHEN file_size_bytes >= 0 THEN 'no etag' ELSE coalesce('size ' || file_size_bytes, 'no size') END AS detail
FROM day_files
WHERE dataset = $dataset AND vanished_at IS NULL AND (file_size_bytes IS NULL OR file_size_bytes < 0 OR etag = '')
