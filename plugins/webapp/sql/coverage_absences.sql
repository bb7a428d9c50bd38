-- Only what lies within an extent: what comes after the latest file is no gap of a month.
SELECT absences.symbol, absences.first_day, absences.last_day, absences.condition IS NOT NULL AS is_looked
FROM absences
INNER JOIN extents ON absences.dataset = extents.dataset AND absences.symbol = extents.symbol
WHERE absences.dataset = :dataset AND absences.first_day < extents.latest
ORDER BY absences.symbol, absences.first_day
