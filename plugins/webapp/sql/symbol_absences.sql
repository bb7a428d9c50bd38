-- A gap lies between two files; what comes after the last one, or was not looked at, is none.
SELECT
    absences.first_day,
    absences.last_day,
    absences.days,
    absences.condition,
    absences.reason,
    absences.listing_id,
    absences.looked_at,
    gaps.symbol IS NOT NULL AS is_gap
FROM absences
LEFT JOIN gaps ON absences.dataset = gaps.dataset AND absences.symbol = gaps.symbol AND absences.first_day = gaps.first_day
WHERE absences.dataset = :dataset AND absences.symbol = :symbol
ORDER BY absences.first_day
