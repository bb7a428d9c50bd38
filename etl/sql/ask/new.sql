SELECT
    extents.symbol,
    extents.earliest,
    extents.latest,
    extents.days_held,
    extents.last_traded_day,
    extents.state,
    symbols.kind,
    symbols.base,
    symbols.quote,
    symbols.dataset
FROM extents
INNER JOIN symbols ON extents.dataset = symbols.dataset AND extents.symbol = symbols.symbol
WHERE extents.dataset = $dataset AND extents.listed_day BETWEEN $start AND $end
ORDER BY extents.listed_day, extents.symbol
