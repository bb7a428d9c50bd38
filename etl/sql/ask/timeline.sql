SELECT date, symbol, file_size_bytes, last_modified, etag, has_checksum, condition, reason, dataset
FROM day_files
WHERE dataset = $dataset AND symbol = $symbol AND date BETWEEN $start AND $end
ORDER BY date
