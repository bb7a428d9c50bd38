-- Ended symbols are only counted; what is missing stands before what may still come and what nobody looked at.
SELECT symbol, first_day, last_day, days, condition, reason, listing_id, looked_at
FROM absences
WHERE dataset = :dataset AND first_day <= :date AND last_day >= :date AND reason <> 'ended'
ORDER BY
    CASE reason
        WHEN 'symbol_gap' THEN 1
        WHEN 'market_gap' THEN 2
        WHEN 'relist_break' THEN 3
        WHEN 'not_published_yet' THEN 4
        ELSE 5
    END,
    symbol
