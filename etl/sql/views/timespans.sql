-- Unbroken runs of days whose file is there. Most symbols have no hole, which their count alone tells; only the others
-- are gone through day by day.
WITH symbols_held AS (
    SELECT dataset, symbol, min(date) AS first_day, max(date) AS last_day, count(*) AS days
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset, symbol
),

broken AS (
    SELECT
        file.dataset,
        file.symbol,
        file.date,
        file.date - row_number() OVER (PARTITION BY file.dataset, file.symbol ORDER BY file.date)::INTEGER AS run
    FROM day_files AS file
    INNER JOIN symbols_held
        ON file.dataset = symbols_held.dataset
        AND file.symbol = symbols_held.symbol
        AND symbols_held.days <= symbols_held.last_day - symbols_held.first_day
    WHERE file.vanished_at IS NULL
)

SELECT dataset, symbol, first_day, last_day, days
FROM symbols_held
WHERE days = last_day - first_day + 1
UNION ALL
SELECT dataset, symbol, min(date) AS first_day, max(date) AS last_day, count(*) AS days
FROM broken
GROUP BY dataset, symbol, run
