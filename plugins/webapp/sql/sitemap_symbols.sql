SELECT symbols.symbol, coalesce(extents.latest, substr(symbols.first_seen_at, 1, 10)) AS changed
FROM symbols
LEFT JOIN extents ON symbols.symbol = extents.symbol
ORDER BY symbols.symbol
