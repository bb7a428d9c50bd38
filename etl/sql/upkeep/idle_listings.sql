-- Complete listings of a symbol on which nothing rests: a newer one looked at all of their days again, and no judgement
-- names them or dates anything by them, today or after whatever listings may follow. Kept are, one line each below, all
-- that the views and checks ask for.
WITH looks AS (
    SELECT
        listing_id,
        symbol,
        started_at,
        ended_at,
        from_key = '' AS from_beginning,
        method = 'head' AS headed,
        coalesce(first_day, DATE '0001-01-01') AS first_day,
        last_day,
        least(started_at::DATE, last_day + 1) AS watched_until -- as view freshness has it
    FROM listings
    WHERE dataset = $dataset AND complete AND symbol IS NOT NULL
),

-- Equal windows are one here: a few hundred a symbol, where listings are thousands.
windows AS (
    SELECT symbol, first_day, last_day, from_beginning, headed, max((started_at, listing_id)) AS newest
    FROM looks
    GROUP BY symbol, first_day, last_day, from_beginning, headed
),

-- A HEAD is no listing, and one that does not begin at the beginning does not tell what lies there (A303).
seen_again AS (
    SELECT
        inner_one.symbol,
        inner_one.first_day,
        inner_one.last_day,
        inner_one.from_beginning,
        inner_one.headed,
        max(outer_one.newest) AS newest
    FROM windows AS inner_one
    INNER JOIN windows AS outer_one
        ON inner_one.symbol = outer_one.symbol
        AND outer_one.first_day <= inner_one.first_day
        AND outer_one.last_day >= inner_one.last_day
        AND (outer_one.from_beginning OR NOT inner_one.from_beginning)
        AND (inner_one.headed OR NOT outer_one.headed)
    GROUP BY ALL
),

superseded AS (
    SELECT looks.*
    FROM looks
    INNER JOIN seen_again USING (symbol, first_day, last_day, from_beginning, headed)
    WHERE (looks.started_at, looks.listing_id) < seen_again.newest
),

-- Of each file that freshness may measure: the look that shows that somebody was there before it was seen.
firsts AS (
    SELECT symbol, min(started_at) AS started_at, arg_min(last_day, (started_at, listing_id)) AS last_day
    FROM looks
    GROUP BY symbol
),

fresh AS (
    SELECT DISTINCT file.symbol, file.date, file.first_seen_at
    FROM day_files AS file
    INNER JOIN firsts
        ON file.symbol = firsts.symbol AND file.date > firsts.last_day AND file.first_seen_at > firsts.started_at
    WHERE file.dataset = $dataset
),

-- The first look that went so far stands for all later ones that went no farther.
farther AS (
    SELECT symbol, started_at, listing_id, watched_until
    FROM (
        SELECT
            symbol,
            started_at,
            listing_id,
            watched_until,
            max(watched_until) OVER (
                PARTITION BY symbol ORDER BY started_at, listing_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS before
        FROM looks
    )
    WHERE before IS NULL OR watched_until > before
),

witnesses AS (
    SELECT farther.listing_id
    FROM fresh
    ASOF INNER JOIN farther ON fresh.symbol = farther.symbol AND fresh.date <= farther.watched_until
    UNION
    SELECT arg_max(listing_id, watched_until) FROM farther GROUP BY symbol -- for files still to come
),

needed AS (
    SELECT listing_id FROM witnesses
    UNION
    SELECT arg_min(listing_id, (started_at, listing_id)) FROM looks GROUP BY symbol -- events, freshness
    UNION
    SELECT arg_max(listing_id, (ended_at, listing_id)) FROM looks GROUP BY symbol -- status, the build's time
    UNION
    SELECT max(listing_id) FROM listings WHERE dataset = $dataset GROUP BY symbol -- A105, status
    UNION
    SELECT listing_id FROM revisions WHERE dataset = $dataset
    UNION
    SELECT looks.listing_id -- A402
    FROM looks
    SEMI JOIN (
        SELECT symbol, last_seen_at AS named_at FROM day_files WHERE dataset = $dataset
        UNION
        SELECT symbol, vanished_at FROM day_files WHERE dataset = $dataset AND vanished_at IS NOT NULL
    ) AS named
        ON looks.symbol = named.symbol AND looks.started_at = named.named_at
    UNION
    SELECT listings.listing_id -- A303
    FROM listings
    SEMI JOIN strangers
        ON listings.dataset = strangers.dataset
        AND listings.prefix = strangers.prefix
        AND listings.started_at = strangers.last_seen_at
    WHERE listings.dataset = $dataset
)

SELECT listing_id
FROM superseded
ANTI JOIN needed USING (listing_id)
