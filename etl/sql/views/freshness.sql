-- How long after the end of a day its files were first seen here. Only files of days after the symbol's first complete
-- listing, and only where somebody looked between the beginning of the day and the look that showed the file: without
-- that the lag would measure our absence, and so it would with a look at old days only: one that went through the day
-- before at least. A lag is never shorter than the truth, and longer by less than one pass.
WITH looks AS (
    SELECT
        dataset,
        symbol,
        started_at,
        first_value(last_day) OVER inorder AS first_last_day,
        max(least(started_at::DATE, last_day + 1)) OVER (PARTITION BY dataset, symbol ORDER BY started_at) AS watched_until
    FROM listings
    WHERE complete AND symbol IS NOT NULL
    WINDOW inorder AS (PARTITION BY dataset, symbol ORDER BY started_at, listing_id)
),

firsts AS (
    SELECT dataset, symbol, min(started_at) AS started_at, any_value(first_last_day) AS last_day
    FROM looks
    GROUP BY dataset, symbol
),

fresh AS (
    SELECT
        file.dataset,
        file.symbol,
        file.date,
        file.first_seen_at
    FROM day_files AS file
    INNER JOIN firsts
        ON file.dataset = firsts.dataset
        AND file.symbol = firsts.symbol
        AND file.date > firsts.last_day
        AND file.first_seen_at > firsts.started_at
),

lags AS (
    SELECT
        fresh.dataset,
        fresh.date,
        (epoch(fresh.first_seen_at) - epoch((fresh.date + 1)::TIMESTAMP)) / 3600 AS hours
    FROM fresh
    ASOF INNER JOIN looks
        ON fresh.dataset = looks.dataset
        AND fresh.symbol = looks.symbol
        AND fresh.first_seen_at > looks.started_at
    WHERE looks.watched_until >= fresh.date
)

SELECT
    dataset,
    date,
    count(*) AS files,
    round(median(hours), 2) AS median_lag_hours,
    round(quantile_cont(hours, 0.95), 2) AS p95_lag_hours
FROM lags
GROUP BY dataset, date
