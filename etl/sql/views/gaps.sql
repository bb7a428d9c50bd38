-- Missing runs between two held days, one row a reason, as far as complete listings looked there.
WITH newest AS (
    SELECT dataset, symbol, max(date) AS latest
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset, symbol
)

SELECT absences.* EXCLUDE (condition)
FROM absences
INNER JOIN newest ON absences.dataset = newest.dataset AND absences.symbol = newest.symbol
WHERE absences.condition = 'missing' AND absences.last_day < newest.latest
