SELECT symbol, listed_day AS earliest, days_held
FROM extents
WHERE dataset = (SELECT dataset FROM build) AND listed_day IS NOT NULL -- of the others nobody knows when they began
ORDER BY listed_day DESC, symbol
LIMIT :limit
