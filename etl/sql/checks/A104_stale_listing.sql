-- Yesterday may not have been looked at yet, the day before it must have been. The level of the symbols is
-- measured against the listings of the symbols, not against today: both carry the clock's time.
WITH looked AS (SELECT max(last_day) AS last_day FROM covered WHERE dataset = $dataset),

newest AS (
    SELECT
        max(started_at) FILTER (symbol IS NULL) AS symbols_at,
        max(started_at) FILTER (symbol IS NOT NULL) AS files_at
    FROM listings
    WHERE dataset = $dataset AND complete
)

SELECT
    NULL::VARCHAR AS symbol,
    last_day + 1 AS first_day,
    $today - 1 AS last_day,
    'files were last looked for through ' || last_day AS detail
FROM looked
WHERE last_day < $today - 2
UNION ALL
SELECT
    NULL,
    symbols_at::DATE + 1,
    files_at::DATE,
    'symbols were last looked for on ' || symbols_at::DATE
FROM newest
WHERE symbols_at < files_at - INTERVAL 2 DAY
