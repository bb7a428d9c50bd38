SELECT symbol, date, file_size_bytes, last_modified, etag, has_checksum, condition, reason, dataset
FROM day_files
WHERE dataset = $dataset AND date = $date
ORDER BY symbol
