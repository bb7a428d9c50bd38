-- Runs of days without a file, from a symbol's first file to the newest day any symbol was looked at: `missing` where a
-- complete listing proves the hole, `pending` where the file may still come, without a condition where nobody looked.
-- A tail is pending while the market published on at most three days of it, and ended afterwards; a hole between two
-- files never is. A file that is gone from either end of a series is missing, `vanished`. The evidence is the newest complete listing that covers the whole run, or else its last day.
WITH pieces AS MATERIALIZED (SELECT * FROM holes),

market AS MATERIALIZED (SELECT dataset, date, published FROM market_days),

patience AS (SELECT dataset, patience_days AS days FROM publication),

tails AS (
    SELECT
        pieces.dataset,
        pieces.symbol,
        count(*) FILTER (market.published) AS published_days,
        max(pieces.last_day) AS looked_through
    FROM pieces
    INNER JOIN market
        ON pieces.dataset = market.dataset AND market.date BETWEEN pieces.first_day AND pieces.last_day
    WHERE pieces.looked AND NOT pieces.inside
    GROUP BY pieces.dataset, pieces.symbol
),

breaks AS (
    SELECT dataset, symbol, hole, max(last_day) AS last_day
    FROM pieces
    WHERE inside
    GROUP BY dataset, symbol, hole
),

settled AS (
    SELECT dataset, symbol, regexp_replace(symbol, '_?(SETTLED)+$', '') AS ticker, max(date) AS last_day
    FROM day_files
    WHERE vanished_at IS NULL AND symbol LIKE '%SETTLED'
    GROUP BY dataset, symbol
),

relisted AS (
    SELECT breaks.dataset, breaks.symbol, breaks.hole
    FROM breaks
    INNER JOIN settled
        ON breaks.dataset = settled.dataset
        AND breaks.symbol = settled.ticker
        AND settled.last_day BETWEEN breaks.hole - 7 AND breaks.last_day + 7
    UNION
    SELECT breaks.dataset, breaks.symbol, breaks.hole
    FROM breaks
    INNER JOIN flat_levels ON breaks.dataset = flat_levels.dataset
    INNER JOIN day_files AS file
        ON breaks.dataset = file.dataset
        AND breaks.symbol = file.symbol
        AND (file.date BETWEEN breaks.hole - 3 AND breaks.hole - 1 OR file.date = breaks.last_day + 1)
        AND file.vanished_at IS NULL
    GROUP BY breaks.dataset, breaks.symbol, breaks.hole
    HAVING
        count(*) FILTER (file.date < breaks.hole AND file.file_size_bytes BETWEEN 1 AND flat_levels.bytes - 1) = 3
        AND bool_or(file.date > breaks.hole AND file.file_size_bytes >= flat_levels.bytes)
),

known AS (
    SELECT
        pieces.*,
        tails.looked_through,
        patience.days AS patience,
        CASE
            WHEN NOT pieces.looked THEN 'not_looked'
            WHEN pieces.inside AND relisted.hole IS NOT NULL THEN 'relist_break'
            WHEN pieces.inside THEN 'symbol_gap'
            WHEN tails.published_days > patience.days THEN 'ended'
            ELSE 'not_published_yet'
        END AS reason
    FROM pieces
    INNER JOIN patience ON pieces.dataset = patience.dataset
    LEFT JOIN tails ON pieces.dataset = tails.dataset AND pieces.symbol = tails.symbol
    LEFT JOIN relisted
        ON pieces.dataset = relisted.dataset AND pieces.symbol = relisted.symbol AND pieces.hole = relisted.hole
),

single AS (
    SELECT
        open.dataset,
        open.symbol,
        open.date,
        CASE
            WHEN market.published THEN open.reason
            WHEN open.reason = 'not_published_yet' AND open.date > open.looked_through - open.patience THEN open.reason
            ELSE 'market_gap'
        END AS reason
    FROM (
        SELECT
            dataset,
            symbol,
            reason,
            looked_through,
            patience,
            unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
        FROM known
        WHERE reason NOT IN ('not_looked', 'ended')
    ) AS open
    INNER JOIN market ON open.dataset = market.dataset AND open.date = market.date
),

judged AS (
    SELECT dataset, symbol, first_day, last_day, reason FROM known WHERE reason IN ('not_looked', 'ended')
    UNION ALL
    SELECT dataset, symbol, min(date), max(date), reason
    FROM (
        SELECT
            *,
            date - row_number() OVER (PARTITION BY dataset, symbol, reason ORDER BY date)::INTEGER AS run
        FROM single
    )
    GROUP BY dataset, symbol, reason, run
    UNION ALL
    SELECT dataset, symbol, first_day, last_day, 'vanished' FROM vanished_ends
),

evidence AS (
    SELECT
        judged.dataset,
        judged.symbol,
        judged.first_day,
        max((listings.started_at, listings.listing_id)) FILTER (
            coalesce(listings.first_day, DATE '0001-01-01') <= judged.first_day
        ) AS whole,
        max((listings.started_at, listings.listing_id)) AS newest
    FROM judged
    INNER JOIN listings
        ON judged.dataset = listings.dataset
        AND judged.symbol = listings.symbol
        AND judged.last_day BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
    WHERE listings.complete AND judged.reason <> 'not_looked'
    GROUP BY judged.dataset, judged.symbol, judged.first_day
)

SELECT
    judged.dataset,
    judged.symbol,
    judged.first_day,
    judged.last_day,
    judged.last_day - judged.first_day + 1 AS days,
    CASE judged.reason WHEN 'not_looked' THEN NULL WHEN 'not_published_yet' THEN 'pending' ELSE 'missing' END AS condition,
    judged.reason,
    coalesce(evidence.whole, evidence.newest)[2] AS listing_id,
    coalesce(evidence.whole, evidence.newest)[1] AS looked_at
FROM judged
LEFT JOIN evidence
    ON judged.dataset = evidence.dataset
    AND judged.symbol = evidence.symbol
    AND judged.first_day = evidence.first_day
