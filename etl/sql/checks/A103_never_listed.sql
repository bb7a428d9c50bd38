-- A HEAD of single files does not tell what else there is.
SELECT
    symbols.symbol,
    NULL::DATE AS first_day,
    NULL::DATE AS last_day,
    'known since ' || strftime(symbols.first_seen_at, '%Y-%m-%d') AS detail
FROM symbols
ANTI JOIN listings
    ON symbols.dataset = listings.dataset
    AND symbols.symbol = listings.symbol
    AND listings.complete
    AND listings.method <> 'head'
WHERE symbols.dataset = $dataset
