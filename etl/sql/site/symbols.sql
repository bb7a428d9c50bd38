SELECT
    symbols.symbol,
    row_number() OVER (ORDER BY symbols.symbol) AS symbol_id,
    symbols.kind,
    symbols.base,
    symbols.quote,
    strftime(symbols.first_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS first_seen_at,
    strftime(symbols.last_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS last_seen_at,
    looked.last_day::VARCHAR AS looked_through,
    nullif(looked.first_day, DATE '0001-01-01')::VARCHAR AS looked_from,
    archives.files_url || '/data/futures/' || split_part(symbols.dataset, '/', 1) || '/daily/'
    || split_part(symbols.dataset, '/', 2) || '/' || url_encode(symbols.symbol) || '/' || split_part(symbols.dataset, '/', 3)
    || '/' || url_encode(symbols.symbol) || '-' || split_part(symbols.dataset, '/', 3) || '-' AS file_url_stem
FROM symbols
INNER JOIN archives ON symbols.dataset = archives.dataset
LEFT JOIN (
    SELECT dataset, symbol, max(last_day) AS last_day, min(first_day) AS first_day FROM covered GROUP BY dataset, symbol
) AS looked ON symbols.dataset = looked.dataset AND symbols.symbol = looked.symbol
WHERE symbols.dataset = $dataset
ORDER BY symbols.symbol
