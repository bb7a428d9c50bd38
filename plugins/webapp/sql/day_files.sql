SELECT
    symbols.symbol,
    codes.file_size_bytes,
    codes.last_modified,
    codes.state
FROM day_file_codes AS codes
INNER JOIN symbols ON codes.symbol_id = symbols.symbol_id
WHERE +symbols.dataset = :dataset AND codes.date = :date
ORDER BY symbols.symbol
