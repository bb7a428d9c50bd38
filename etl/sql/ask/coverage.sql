-- Numbers are NULL where no complete listing has looked yet: nothing is known, not even that it is nothing.
SELECT
    symbols.symbol,
    extents.earliest,
    extents.latest,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.days_held, 0) END AS days_held,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.days_missing, 0) END AS days_missing,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.timespan_count, 0) END AS timespan_count,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.longest_gap, 0) END AS longest_gap,
    extents.completeness,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.bytes, 0) END AS bytes,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.flat_days, 0) END AS flat_days,
    CASE WHEN symbols.looked_through IS NOT NULL THEN coalesce(extents.degraded_days, 0) END AS degraded_days,
    extents.last_traded_day,
    extents.state,
    symbols.kind,
    symbols.quote,
    symbols.looked_through,
    symbols.dataset
FROM symbols
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE symbols.dataset = $dataset AND symbols.symbol = coalesce($symbol, symbols.symbol)
ORDER BY symbols.symbol
