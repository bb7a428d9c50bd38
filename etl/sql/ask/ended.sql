SELECT
    tails.symbol,
    tails.first_day,
    extents.earliest,
    extents.latest,
    extents.days_held,
    extents.last_traded_day,
    symbols.kind,
    symbols.base,
    symbols.quote,
    symbols.dataset
FROM (
    -- a tail may have been looked at in several pieces
    SELECT symbol, min(first_day) AS first_day
    FROM absences
    WHERE dataset = $dataset AND reason = 'ended'
    GROUP BY symbol
) AS tails
INNER JOIN extents ON tails.symbol = extents.symbol AND extents.dataset = $dataset
INNER JOIN symbols ON extents.dataset = symbols.dataset AND tails.symbol = symbols.symbol
WHERE tails.first_day BETWEEN $start AND $end
ORDER BY tails.first_day, tails.symbol
