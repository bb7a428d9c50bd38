SELECT
    symbol,
    date::VARCHAR AS date,
    change,
    strftime(detected_at, '%Y-%m-%dT%H:%M:%SZ') AS detected_at,
    listing_id,
    old_file_size_bytes,
    strftime(old_last_modified, '%Y-%m-%dT%H:%M:%SZ') AS old_last_modified,
    old_etag,
    new_file_size_bytes,
    strftime(new_last_modified, '%Y-%m-%dT%H:%M:%SZ') AS new_last_modified,
    new_etag,
    dataset
FROM revisions
ORDER BY dataset, symbol, date, listing_id
