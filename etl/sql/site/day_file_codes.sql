SELECT
    numbered.symbol_id,
    file.date::VARCHAR,
    file.file_size_bytes,
    file.has_checksum::INTEGER,
    CASE WHEN held.small THEN 3 WHEN NOT held.has_checksum THEN 2 WHEN held.flat THEN 1 ELSE 0 END,
    strftime(file.last_modified, '%Y-%m-%dT%H:%M:%SZ'),
    file.etag
FROM day_files AS file
INNER JOIN held_days AS held
    ON file.dataset = held.dataset AND file.symbol = held.symbol AND file.date = held.date
INNER JOIN (
    SELECT symbol, row_number() OVER (ORDER BY symbol) AS symbol_id FROM symbols WHERE dataset = $dataset
) AS numbered ON file.symbol = numbered.symbol
WHERE file.dataset = $dataset AND file.vanished_at IS NULL
ORDER BY numbered.symbol_id, file.date
