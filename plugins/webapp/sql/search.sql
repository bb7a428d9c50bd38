SELECT symbols.symbol, symbols.kind, extents.earliest, extents.latest, extents.days_held, extents.completeness, extents.state, symbols.dataset
FROM symbols
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE instr(lower(symbols.symbol), lower(:part)) > 0
ORDER BY
    symbols.dataset <> (SELECT dataset FROM build),
    lower(symbols.symbol) <> lower(:part), instr(lower(symbols.symbol), lower(:part)),
    symbols.symbol,
    symbols.dataset
LIMIT :limit
