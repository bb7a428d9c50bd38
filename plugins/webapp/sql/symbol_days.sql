SELECT date, file_size_bytes, condition, reason
FROM day_files
WHERE dataset = :dataset AND symbol = :symbol
ORDER BY date
