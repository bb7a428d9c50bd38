SELECT
    symbol,
    date,
    change,
    detected_at,
    listing_id,
    old_file_size_bytes,
    old_last_modified,
    old_etag,
    new_file_size_bytes,
    new_last_modified,
    new_etag,
    dataset
FROM revisions
WHERE dataset = $dataset AND symbol = coalesce($symbol, symbol) AND detected_at >= $since
ORDER BY detected_at, symbol, date
