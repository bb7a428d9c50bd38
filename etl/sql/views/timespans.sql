-- Unbroken runs of days whose file is there.
WITH held AS (
    SELECT
        dataset,
        symbol,
        date,
        date - row_number() OVER (PARTITION BY dataset, symbol ORDER BY date)::INTEGER AS run
    FROM day_files
    WHERE vanished_at IS NULL
)

SELECT dataset, symbol, min(date) AS first_day, max(date) AS last_day, count(*) AS days
FROM held
GROUP BY dataset, symbol, run
