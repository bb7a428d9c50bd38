-- Every day from the first one held to the newest one looked at, days without any file included. `missing` is what lacks
-- of the symbols that had not ended; `listed` are the symbols within their extent or awaited.
WITH held AS (
    SELECT
        dataset,
        date,
        count(*) AS files,
        sum(file_size_bytes)::BIGINT AS bytes,
        count(*) FILTER (small OR has_checksum = FALSE) AS degraded,
        count(*) FILTER (flat) AS flat
    FROM held_days
    GROUP BY dataset, date
),

lacking AS (
    SELECT
        dataset,
        date,
        count(*) FILTER (condition = 'missing' AND reason <> 'ended') AS missing,
        count(*) FILTER (condition = 'pending') AS pending,
        count(*) FILTER (reason = 'ended') AS ended
    FROM (
        SELECT dataset, condition, reason, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
        FROM absences
        WHERE condition IS NOT NULL
    )
    GROUP BY dataset, date
),

extent AS (
    SELECT dataset, symbol, min(date) AS earliest, max(date) AS latest
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset, symbol
),

steps AS (
    SELECT dataset, date, sum(symbols) AS symbols
    FROM (
        SELECT dataset, earliest AS date, 1 AS symbols FROM extent
        UNION ALL
        SELECT dataset, latest + 1, -1 FROM extent
    )
    GROUP BY dataset, date
),

listed AS (
    SELECT
        market_days.dataset,
        market_days.date,
        sum(steps.symbols) OVER (PARTITION BY market_days.dataset ORDER BY market_days.date) AS symbols
    FROM market_days
    LEFT JOIN steps ON market_days.dataset = steps.dataset AND market_days.date = steps.date
)

SELECT
    listed.dataset,
    listed.date,
    coalesce(held.files, 0) AS files,
    coalesce(lacking.missing, 0) AS missing,
    coalesce(held.bytes, 0) AS bytes,
    (listed.symbols + coalesce(lacking.pending, 0))::BIGINT AS listed,
    coalesce(held.files - held.degraded, 0) AS available,
    coalesce(held.degraded, 0) AS degraded,
    coalesce(lacking.pending, 0) AS pending,
    coalesce(held.flat, 0) AS flat,
    coalesce(lacking.ended, 0) AS ended,
    round(coalesce(held.files, 0) / nullif(coalesce(held.files, 0) + coalesce(lacking.missing, 0), 0), 6) AS completeness
FROM listed
LEFT JOIN held ON listed.dataset = held.dataset AND listed.date = held.date
LEFT JOIN lacking ON listed.dataset = lacking.dataset AND listed.date = lacking.date
