-- Every archive that knows the symbol, the default one first.
SELECT symbols.dataset, extents.earliest, extents.latest, coalesce(extents.days_held, 0) AS days_held
FROM symbols
INNER JOIN datasets ON symbols.dataset = datasets.dataset
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE symbols.symbol = :symbol
ORDER BY datasets.is_default DESC, symbols.dataset
