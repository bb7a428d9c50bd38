-- The newest day that any symbol was looked at, and whether any was on a day from $start to $end.
SELECT
    max(last_day) AS newest,
    max(CASE WHEN coalesce(first_day, '') <= $end AND last_day >= $start THEN 1 ELSE 0 END) AS looked_then
FROM covered
WHERE dataset = $dataset
