SELECT
    file.symbol,
    file.date AS first_day,
    file.date AS last_day,
    coalesce('there it is ' || others.kind, 'the exchange does not list it') || $said_at AS detail
FROM day_files AS file
INNER JOIN symbols ON file.dataset = symbols.dataset AND file.symbol = symbols.symbol
ANTI JOIN (SELECT unnest($trading::VARCHAR[]) AS symbol) AS there ON file.symbol = there.symbol
LEFT JOIN (SELECT unnest($others::VARCHAR[]) AS symbol, unnest($kinds::VARCHAR[]) AS kind) AS others
    ON file.symbol = others.symbol
WHERE
    file.dataset = $dataset
    AND file.date = $day::DATE
    AND file.vanished_at IS NULL
    AND symbols.kind = 'perpetual'
