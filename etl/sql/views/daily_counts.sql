-- Every day from the first file ever seen to the newest day looked at, days without any file included. Each symbol that
-- had begun is counted once: its file is there, missing, pending, nobody looked, or it had ended. `listed` are all that
-- had not ended; completeness is the share of files known to be there, pending ones left out.
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

absent AS MATERIALIZED (SELECT dataset, symbol, first_day, last_day, condition, reason FROM absences),

ends AS (
    SELECT dataset, symbol, min(first_day) AS first_day
    FROM absent
    WHERE reason = 'ended'
    GROUP BY dataset, symbol
),

lacking AS (
    SELECT
        dataset,
        date,
        count(*) FILTER (condition = 'missing' AND NOT ended) AS missing,
        count(*) FILTER (condition = 'pending') AS pending,
        count(*) FILTER (ended) AS ended,
        count(*) FILTER (condition IS NULL AND NOT ended) AS not_looked
    FROM (
        SELECT
            absent.dataset,
            absent.condition,
            coalesce(absent.first_day >= ends.first_day, FALSE) AS ended,
            unnest(generate_series(absent.first_day, absent.last_day, INTERVAL 1 DAY))::DATE AS date
        FROM absent
        LEFT JOIN ends ON absent.dataset = ends.dataset AND absent.symbol = ends.symbol
    )
    GROUP BY dataset, date
),

counted AS (
    SELECT
        market_days.dataset,
        market_days.date,
        coalesce(held.files, 0) AS files,
        coalesce(lacking.missing, 0) AS missing,
        coalesce(held.bytes, 0) AS bytes,
        coalesce(held.degraded, 0) AS degraded,
        coalesce(lacking.pending, 0) AS pending,
        coalesce(held.flat, 0) AS flat,
        coalesce(lacking.ended, 0) AS ended,
        coalesce(lacking.not_looked, 0) AS not_looked
    FROM market_days
    LEFT JOIN held ON market_days.dataset = held.dataset AND market_days.date = held.date
    LEFT JOIN lacking ON market_days.dataset = lacking.dataset AND market_days.date = lacking.date
)

SELECT
    dataset,
    date,
    files,
    missing,
    bytes,
    files + missing + pending + not_looked AS listed,
    files - degraded AS available,
    degraded,
    pending,
    flat,
    ended,
    round(files / nullif(files + missing + not_looked, 0), 6) AS completeness,
    not_looked
FROM counted
