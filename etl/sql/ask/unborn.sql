-- Symbols of which nobody knows when they began: the day on which a listing that showed their first file begins, and the
-- last day looked at before it, if any was.
SELECT begun.symbol, max(earlier.last_day) AS looked_until, begun.first_day
FROM (
    SELECT extents.symbol, covered.first_day
    FROM extents
    INNER JOIN covered
        ON extents.dataset = covered.dataset
        AND extents.symbol = covered.symbol
        AND extents.earliest BETWEEN coalesce(covered.first_day, '') AND covered.last_day
    WHERE extents.dataset = $dataset AND extents.listed_day IS NULL
) AS begun
LEFT JOIN (SELECT symbol, last_day FROM covered WHERE dataset = $dataset) AS earlier
    ON begun.symbol = earlier.symbol AND earlier.last_day < begun.first_day
WHERE begun.first_day IS NOT NULL
GROUP BY begun.symbol, begun.first_day
