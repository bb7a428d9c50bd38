-- Runs of days; what is too small is judged by held_days, beside the same symbol's other files.
WITH small AS (
    SELECT
        symbol,
        date,
        file_size_bytes,
        date - row_number() OVER (PARTITION BY symbol ORDER BY date)::INTEGER AS run
    FROM held_days
    WHERE dataset = $dataset AND small
)

SELECT
    symbol,
    min(date) AS first_day,
    max(date) AS last_day,
    count(*) || ' file(s), the smallest of ' || min(file_size_bytes) || ' bytes' AS detail
FROM small
GROUP BY symbol, run
