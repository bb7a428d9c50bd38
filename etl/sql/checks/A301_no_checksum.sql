-- Runs of days; a checksum that nobody asked for (NULL) is no finding.
WITH bare AS (
    SELECT symbol, date, date - row_number() OVER (PARTITION BY symbol ORDER BY date)::INTEGER AS run
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL AND NOT has_checksum
)

SELECT symbol, min(date) AS first_day, max(date) AS last_day, count(*) || ' file(s)' AS detail
FROM bare
GROUP BY symbol, run
