-- Days between the first one held and the newest one looked at that no listing of any symbol covers.
WITH reach AS (
    SELECT
        first_day,
        max(last_day) OVER (
            ORDER BY first_day, last_day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS looked_through
    FROM covered
    WHERE dataset = $dataset
),

held AS (SELECT min(date) AS first_day FROM day_files WHERE dataset = $dataset),

holes AS (
    SELECT greatest(reach.looked_through + 1, held.first_day) AS first_day, reach.first_day - 1 AS last_day
    FROM reach CROSS JOIN held
    WHERE reach.first_day > reach.looked_through + 1 AND reach.first_day > held.first_day
)

SELECT NULL::VARCHAR AS symbol, first_day, last_day, (last_day - first_day + 1) || ' day(s)' AS detail
FROM holes
