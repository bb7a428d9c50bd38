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
    SELECT dataset, symbol, row_number() OVER (ORDER BY dataset, symbol) AS symbol_id FROM symbols
) AS numbered ON file.dataset = numbered.dataset AND file.symbol = numbered.symbol
WHERE file.vanished_at IS NULL
ORDER BY numbered.symbol_id, file.date
