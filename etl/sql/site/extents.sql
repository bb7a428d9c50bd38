SELECT
    extents.symbol,
    extents.earliest::VARCHAR AS earliest,
    extents.latest::VARCHAR AS latest,
    extents.days_held,
    extents.days_missing,
    extents.timespan_count,
    extents.longest_gap,
    extents.completeness,
    sizes.bytes,
    extents.flat_days,
    extents.degraded_days,
    extents.last_traded_day::VARCHAR AS last_traded_day,
    extents.looked_through::VARCHAR AS looked_through,
    extents.state,
    extents.listed_day::VARCHAR AS listed_day,
    extents.dataset
FROM extents
INNER JOIN (
    SELECT dataset, symbol, sum(file_size_bytes)::BIGINT AS bytes
    FROM held_days
    GROUP BY dataset, symbol
) AS sizes ON extents.dataset = sizes.dataset AND extents.symbol = sizes.symbol
ORDER BY extents.dataset, extents.symbol
