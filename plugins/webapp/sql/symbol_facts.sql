SELECT
    symbols.symbol,
    symbols.kind,
    symbols.base,
    symbols.quote,
    symbols.first_seen_at,
    symbols.looked_from,
    symbols.looked_through,
    extents.earliest,
    extents.latest,
    coalesce(extents.days_held, 0) AS days_held,
    coalesce(extents.days_missing, 0) AS days_missing,
    coalesce(extents.longest_gap, 0) AS longest_gap,
    extents.completeness,
    coalesce(extents.bytes, 0) AS bytes,
    coalesce(extents.flat_days, 0) AS flat_days,
    coalesce(extents.degraded_days, 0) AS degraded_days,
    extents.last_traded_day,
    extents.state,
    (SELECT max(others.symbol) FROM symbols AS others WHERE others.dataset = :dataset AND others.symbol < :symbol) AS previous,
    (SELECT min(others.symbol) FROM symbols AS others WHERE others.dataset = :dataset AND others.symbol > :symbol) AS following
FROM symbols
LEFT JOIN extents ON symbols.dataset = extents.dataset AND symbols.symbol = extents.symbol
WHERE symbols.dataset = :dataset AND symbols.symbol = :symbol
