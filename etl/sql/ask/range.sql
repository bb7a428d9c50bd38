SELECT date, symbol, file_size_bytes, condition, reason, dataset
FROM day_files
WHERE dataset = $dataset AND date BETWEEN $start AND $end
ORDER BY date, symbol
