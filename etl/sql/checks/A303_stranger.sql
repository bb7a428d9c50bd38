-- Strangers, until a later complete listing of their place, from its beginning to at least the same day, lacks them.
WITH listed AS (
    SELECT prefix, symbol, from_key, started_at, last_day
    FROM listings
    WHERE dataset = $dataset AND complete AND method <> 'head'
),

found AS (
    SELECT strangers.*, seen.symbol, seen.last_day
    FROM strangers
    LEFT JOIN listed AS seen ON strangers.prefix = seen.prefix AND strangers.last_seen_at = seen.started_at
    WHERE strangers.dataset = $dataset
)

SELECT DISTINCT found.symbol, NULL::DATE AS first_day, NULL::DATE AS last_day, found.key || ': ' || found.reason AS detail
FROM found
WHERE
    NOT EXISTS (
        SELECT 1
        FROM listed
        WHERE
            listed.prefix = found.prefix
            AND listed.from_key = ''
            AND listed.started_at > found.last_seen_at
            AND coalesce(listed.last_day >= found.last_day, TRUE)
    )
