-- Symbols of which no listing covers all days from $start to $end; runs of days covered neither touch nor overlap.
SELECT symbols.symbol
FROM symbols
LEFT JOIN covered
    ON symbols.symbol = covered.symbol
    AND coalesce(covered.first_day, '') <= $start
    AND covered.last_day >= $end
WHERE covered.symbol IS NULL
ORDER BY symbols.symbol
