SELECT symbol, change, detected_at, old_file_size_bytes, new_file_size_bytes
FROM revisions
WHERE dataset = :dataset AND date = :date
ORDER BY detected_at, symbol
