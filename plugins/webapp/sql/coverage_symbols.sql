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
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE symbols.dataset = :dataset
