-- Every day from the first one held to the last one looked at, days without any file included.
WITH bounds AS (
    SELECT extents.dataset, min(extents.earliest) AS first_day, any_value(looked.last_day) AS last_day
    FROM extents
    INNER JOIN (SELECT dataset, max(last_day) AS last_day FROM covered GROUP BY dataset) AS looked
        ON extents.dataset = looked.dataset
    GROUP BY extents.dataset
),

days AS (
    SELECT dataset, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
    FROM bounds
),

held AS (
    SELECT dataset, date, count(*) AS files, sum(file_size_bytes)::BIGINT AS bytes
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset, date
),

missing_days AS (
    SELECT dataset, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
    FROM gaps
),

lacking AS (
    SELECT dataset, date, count(*) AS missing
    FROM missing_days
    GROUP BY dataset, date
)

SELECT
    days.dataset,
    days.date,
    coalesce(held.files, 0) AS files,
    coalesce(lacking.missing, 0) AS missing,
    coalesce(held.bytes, 0) AS bytes
FROM days
LEFT JOIN held ON days.dataset = held.dataset AND days.date = held.date
LEFT JOIN lacking ON days.dataset = lacking.dataset AND days.date = lacking.date
