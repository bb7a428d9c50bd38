SELECT date, symbol, file_size_bytes, last_modified, etag, has_checksum, condition, reason
FROM day_files
WHERE symbol = $symbol AND date BETWEEN $start AND $end
ORDER BY date
