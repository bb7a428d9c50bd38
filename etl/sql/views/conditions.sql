-- The condition of every day of a symbol from its first file to the newest day any symbol was looked at, and why.
SELECT dataset, symbol, date, condition, reason FROM file_states
UNION ALL
SELECT dataset, symbol, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date, condition, reason
FROM absences
