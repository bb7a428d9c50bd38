-- Symbols of which no listing covers all days from $start to $end; runs of days covered neither touch nor overlap.
SELECT symbols.symbol
FROM symbols
LEFT JOIN covered
    ON symbols.dataset = covered.dataset
    AND symbols.symbol = covered.symbol
    AND coalesce(covered.first_day, '') <= $start
    AND covered.last_day >= $end
WHERE symbols.dataset = $dataset AND covered.symbol IS NULL
ORDER BY symbols.symbol
