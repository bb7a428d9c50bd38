SELECT
    symbols.symbol,
    row_number() OVER (ORDER BY symbols.symbol) AS symbol_id,
    symbols.kind,
    symbols.base,
    symbols.quote,
    strftime(symbols.first_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS first_seen_at,
    strftime(symbols.last_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS last_seen_at,
    looked.last_day::VARCHAR AS looked_through
FROM symbols
LEFT JOIN (
    SELECT dataset, symbol, max(last_day) AS last_day FROM covered GROUP BY dataset, symbol
) AS looked ON symbols.dataset = looked.dataset AND symbols.symbol = looked.symbol
WHERE symbols.dataset = $dataset
ORDER BY symbols.symbol
