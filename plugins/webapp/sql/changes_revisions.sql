SELECT symbol, date, change, detected_at, old_file_size_bytes, new_file_size_bytes, old_etag, new_etag
FROM revisions
WHERE dataset = :dataset
ORDER BY detected_at DESC, date DESC, symbol
LIMIT :limit
