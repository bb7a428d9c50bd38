SELECT
    numbered.symbol_id,
    file.date::VARCHAR,
    file.file_size_bytes,
    epoch(file.last_modified)::BIGINT,
    file.etag,
    file.has_checksum::INTEGER
FROM day_files AS file
INNER JOIN (
    SELECT symbol, row_number() OVER (ORDER BY symbol) AS symbol_id FROM symbols WHERE dataset = $dataset
) AS numbered ON file.symbol = numbered.symbol
WHERE file.dataset = $dataset AND file.vanished_at IS NULL
ORDER BY numbered.symbol_id, file.date
