SELECT date, symbol, file_size_bytes, condition, reason
FROM day_files
WHERE date BETWEEN $start AND $end
ORDER BY date, symbol
