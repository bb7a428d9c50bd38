SELECT
    extents.symbol,
    extents.earliest,
    extents.latest,
    extents.days_held,
    extents.last_traded_day,
    extents.state,
    symbols.kind,
    symbols.base,
    symbols.quote
FROM extents
INNER JOIN symbols ON extents.symbol = symbols.symbol
WHERE extents.earliest BETWEEN $start AND $end
ORDER BY extents.earliest, extents.symbol
