SELECT
    symbols.symbol,
    symbols.kind,
    symbols.quote,
    symbols.looked_through,
    extents.earliest,
    extents.latest,
    extents.days_held,
    extents.days_missing,
    extents.completeness,
    extents.state
FROM symbols
LEFT JOIN extents ON symbols.symbol = extents.symbol
