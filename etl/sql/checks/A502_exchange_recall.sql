WITH compared AS (
    SELECT count(*) AS trading, count(file.symbol) AS held
    FROM (SELECT unnest($trading::VARCHAR[]) AS symbol) AS there
    LEFT JOIN day_files AS file
        ON there.symbol = file.symbol
        AND file.dataset = $dataset
        AND file.date = $day::DATE
        AND file.vanished_at IS NULL
)

SELECT
    NULL::VARCHAR AS symbol,
    $day::DATE AS first_day,
    $day::DATE AS last_day,
    'recall ' || round(100 * held / trading, 1) || ' %: ' || held || ' of ' || trading || ' have a file' || $said_at AS detail
FROM compared
WHERE trading > 0 AND held <= 0.95 * trading
