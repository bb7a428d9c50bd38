-- Other contracts on the same base, with the days held of each.
SELECT symbols.symbol, symbols.kind, symbols.quote, extents.earliest, extents.latest, extents.state
FROM symbols
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE symbols.dataset = :dataset AND symbols.base = :base AND symbols.base <> '' AND symbols.symbol <> :symbol
ORDER BY extents.earliest, symbols.symbol
