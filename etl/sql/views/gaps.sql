-- Missing runs between two timespans, as far as complete listings looked there.
WITH between_spans AS (
    SELECT
        dataset,
        symbol,
        last_day + 1 AS first_day,
        lead(first_day) OVER (PARTITION BY dataset, symbol ORDER BY first_day) - 1 AS last_day
    FROM timespans
),

seen AS (
    SELECT
        hole.dataset,
        hole.symbol,
        greatest(hole.first_day, covered.first_day) AS first_day,
        least(hole.last_day, covered.last_day) AS last_day
    FROM between_spans AS hole
    INNER JOIN covered
        ON hole.dataset = covered.dataset
        AND hole.symbol = covered.symbol
        AND hole.first_day <= covered.last_day
        AND hole.last_day >= covered.first_day
    WHERE hole.last_day IS NOT NULL
)

SELECT dataset, symbol, first_day, last_day, last_day - first_day + 1 AS days
FROM seen
