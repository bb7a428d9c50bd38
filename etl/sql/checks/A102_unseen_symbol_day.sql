-- Days of a symbol, from its first file to the newest day that any symbol was looked at, that none of its
-- listings covers.
WITH newest AS (SELECT max(last_day) AS last_day FROM covered WHERE dataset = $dataset),

held AS (SELECT symbol, min(date) AS first_day FROM day_files WHERE dataset = $dataset GROUP BY symbol),

holes AS (
    SELECT
        covered.symbol,
        greatest(covered.last_day + 1, coalesce(held.first_day, covered.last_day + 1)) AS first_day,
        coalesce(
            lead(covered.first_day) OVER (PARTITION BY covered.symbol ORDER BY covered.first_day) - 1, newest.last_day
        ) AS last_day
    FROM covered
    CROSS JOIN newest
    LEFT JOIN held ON covered.symbol = held.symbol
    WHERE covered.dataset = $dataset
)

SELECT symbol, first_day, last_day, (last_day - first_day + 1) || ' day(s)' AS detail
FROM holes
WHERE first_day <= last_day
