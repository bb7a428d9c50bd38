SELECT date, file_size_bytes, condition, reason
FROM day_files
WHERE symbol = :symbol
ORDER BY date
