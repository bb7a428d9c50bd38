-- The days of a symbol that complete listings have looked at, as maximal runs.
-- A listing without a first day covers everything before its last day; what the farthest of them covers, a year of others
-- adds nothing to, and need not be sorted.
WITH beginnings AS (
    SELECT dataset, symbol, max(last_day) AS last_day
    FROM listings
    WHERE complete AND symbol IS NOT NULL AND first_day IS NULL
    GROUP BY dataset, symbol
),

windows AS (
    SELECT dataset, symbol, DATE '0001-01-01' AS first_day, last_day FROM beginnings
    UNION ALL
    SELECT listings.dataset, listings.symbol, listings.first_day, listings.last_day
    FROM listings
    LEFT JOIN beginnings ON listings.dataset = beginnings.dataset AND listings.symbol = beginnings.symbol
    WHERE
        listings.complete
        AND listings.symbol IS NOT NULL
        AND listings.first_day IS NOT NULL
        AND (beginnings.last_day IS NULL OR listings.last_day > beginnings.last_day)
),

reached AS (
    SELECT
        *,
        max(last_day) OVER (
            PARTITION BY dataset, symbol
            ORDER BY first_day, last_day
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_to
    FROM windows
),

numbered AS (
    SELECT
        *,
        sum((covered_to IS NULL OR first_day > covered_to + 1)::INTEGER) OVER (
            PARTITION BY dataset, symbol ORDER BY first_day, last_day
        ) AS run
    FROM reached
)

SELECT dataset, symbol, min(first_day) AS first_day, max(last_day) AS last_day
FROM numbered
GROUP BY dataset, symbol, run
