-- The lives of a ticker over its own folder and its SETTLED ones, numbered by their first day. Within a folder a new
-- life starts where a traded file follows flat ones, or where files go on after a relist_break.
WITH held AS MATERIALIZED (SELECT dataset, symbol, date, file_size_bytes, flat, was_flat FROM held_days),

starts AS (
    SELECT dataset, symbol, min(date) AS first_day
    FROM held
    GROUP BY dataset, symbol
    UNION
    SELECT held.dataset, held.symbol, held.date
    FROM held
    LEFT JOIN flat_levels ON held.dataset = flat_levels.dataset
    WHERE held.was_flat AND NOT held.flat AND held.file_size_bytes >= coalesce(flat_levels.bytes, 1)
    UNION
    SELECT timespans.dataset, timespans.symbol, timespans.first_day
    FROM (
        SELECT *, lag(last_day) OVER (PARTITION BY dataset, symbol ORDER BY first_day) AS last_day_before
        FROM timespans
    ) AS timespans
    INNER JOIN absences
        ON timespans.dataset = absences.dataset
        AND timespans.symbol = absences.symbol
        AND absences.first_day > timespans.last_day_before
        AND absences.last_day < timespans.first_day
    WHERE absences.reason = 'relist_break'
),

spans AS (
    SELECT *, lead(first_day) OVER (PARTITION BY dataset, symbol ORDER BY first_day) AS next_life
    FROM starts
),

lived AS (
    SELECT
        spans.dataset,
        regexp_replace(spans.symbol, '_?(SETTLED)+$', '') AS ticker,
        spans.symbol,
        spans.first_day,
        max(held.date) AS last_day,
        max(held.date) FILTER (NOT held.flat AND held.file_size_bytes > 0) AS last_traded_day,
        count(*) AS days_held
    FROM spans
    INNER JOIN held
        ON spans.dataset = held.dataset
        AND spans.symbol = held.symbol
        AND held.date >= spans.first_day
        AND (spans.next_life IS NULL OR held.date < spans.next_life)
    GROUP BY spans.dataset, spans.symbol, spans.first_day
)

SELECT
    dataset,
    ticker,
    row_number() OVER (PARTITION BY dataset, ticker ORDER BY first_day, symbol) AS life,
    symbol,
    first_day,
    last_day,
    last_traded_day,
    days_held
FROM lived
