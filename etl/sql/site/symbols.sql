SELECT
    symbols.symbol,
    row_number() OVER (ORDER BY symbols.dataset, symbols.symbol) AS symbol_id,
    symbols.kind,
    symbols.base,
    symbols.quote,
    strftime(symbols.first_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS first_seen_at,
    strftime(symbols.last_seen_at, '%Y-%m-%dT%H:%M:%SZ') AS last_seen_at,
    looked.last_day::VARCHAR AS looked_through,
    nullif(looked.first_day, DATE '0001-01-01')::VARCHAR AS looked_from,
    addresses.stem AS file_url_stem,
    symbols.dataset
FROM symbols
INNER JOIN addresses ON symbols.dataset = addresses.dataset AND symbols.symbol = addresses.symbol
LEFT JOIN (
    SELECT dataset, symbol, max(last_day) AS last_day, min(first_day) AS first_day FROM covered GROUP BY dataset, symbol
) AS looked ON symbols.dataset = looked.dataset AND symbols.symbol = looked.symbol
ORDER BY symbols.dataset, symbols.symbol
