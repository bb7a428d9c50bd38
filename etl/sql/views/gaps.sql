-- Missing runs between two held days, one row a reason, as far as complete listings looked there.
WITH held AS (
    SELECT dataset, symbol, min(first_day) AS earliest, max(last_day) AS latest
    FROM timespans
    GROUP BY dataset, symbol
)

SELECT absences.* EXCLUDE (condition)
FROM absences
INNER JOIN held ON absences.dataset = held.dataset AND absences.symbol = held.symbol
WHERE absences.condition = 'missing' AND absences.first_day > held.earliest AND absences.last_day < held.latest
