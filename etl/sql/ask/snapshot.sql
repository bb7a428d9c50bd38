SELECT symbol, date, file_size_bytes, last_modified, etag, has_checksum, condition, reason
FROM day_files
WHERE date = $date
ORDER BY symbol
