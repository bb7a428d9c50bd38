SELECT symbols.symbol, symbols.kind, extents.earliest, extents.latest, extents.days_held, extents.completeness, extents.state
FROM symbols
LEFT JOIN extents ON symbols.symbol = extents.symbol
WHERE instr(lower(symbols.symbol), lower(:part)) > 0
ORDER BY lower(symbols.symbol) <> lower(:part), instr(lower(symbols.symbol), lower(:part)), symbols.symbol
LIMIT :limit
