SELECT
    extents.symbol,
    extents.earliest::VARCHAR AS earliest,
    extents.latest::VARCHAR AS latest,
    extents.days_held,
    extents.days_missing,
    extents.timespan_count,
    extents.longest_gap,
    extents.completeness,
    sizes.bytes
FROM extents
INNER JOIN (
    SELECT symbol, sum(file_size_bytes)::BIGINT AS bytes
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL
    GROUP BY symbol
) AS sizes ON extents.symbol = sizes.symbol
WHERE extents.dataset = $dataset
ORDER BY extents.symbol
