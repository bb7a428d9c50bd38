WITH newest AS (
    SELECT symbol, max(date) AS date
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL
    GROUP BY symbol
)

SELECT
    there.symbol,
    $day::DATE AS first_day,
    $day::DATE AS last_day,
    CASE
        WHEN symbols.symbol IS NULL THEN 'the archive has no such symbol'
        ELSE coalesce('its newest file is of ' || newest.date, 'no file of it is held')
    END || $said_at AS detail
FROM (SELECT unnest($trading::VARCHAR[]) AS symbol) AS there
ANTI JOIN day_files AS file
    ON there.symbol = file.symbol
    AND file.dataset = $dataset
    AND file.date = $day::DATE
    AND file.vanished_at IS NULL
LEFT JOIN symbols ON there.symbol = symbols.symbol AND symbols.dataset = $dataset
LEFT JOIN newest ON there.symbol = newest.symbol
