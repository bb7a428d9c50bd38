-- The days of a symbol that complete listings have looked at, as maximal runs.
-- A listing without a first day covers everything before its last day.
WITH windows AS (
    SELECT
        dataset,
        symbol,
        coalesce(first_day, DATE '0001-01-01') AS first_day,
        last_day,
        max(last_day) OVER (
            PARTITION BY dataset, symbol
            ORDER BY coalesce(first_day, DATE '0001-01-01'), last_day
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_to
    FROM listings
    WHERE complete AND symbol IS NOT NULL
),

numbered AS (
    SELECT
        *,
        sum((covered_to IS NULL OR first_day > covered_to + 1)::INTEGER) OVER (
            PARTITION BY dataset, symbol ORDER BY first_day, last_day
        ) AS run
    FROM windows
)

SELECT dataset, symbol, min(first_day) AS first_day, max(last_day) AS last_day
FROM numbered
GROUP BY dataset, symbol, run
