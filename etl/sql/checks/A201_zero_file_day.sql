-- Days that at least one listing covers and on which no file is held, older than the publication buffer.
WITH held AS (
    SELECT DISTINCT date
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL
),

looked AS (SELECT DISTINCT first_day, last_day FROM covered WHERE dataset = $dataset),

days AS (
    SELECT unnest(generate_series((SELECT min(date) FROM held), $today - 4, INTERVAL 1 DAY))::DATE AS date
),

empty AS (
    SELECT days.date, days.date - row_number() OVER (ORDER BY days.date)::INTEGER AS run
    FROM days
    ANTI JOIN held ON days.date = held.date
    WHERE EXISTS (SELECT 1 FROM looked WHERE days.date BETWEEN looked.first_day AND looked.last_day)
)

SELECT
    NULL::VARCHAR AS symbol,
    min(date) AS first_day,
    max(date) AS last_day,
    count(*) || ' day(s) without any file' AS detail
FROM empty
GROUP BY run
