-- Whether held or vanished, the listing that a row names must be there, be complete and cover the day.
WITH shown AS (
    SELECT symbol, started_at, coalesce(first_day, DATE '0001-01-01') AS first_day, last_day
    FROM listings
    WHERE dataset = $dataset AND complete AND symbol IS NOT NULL
),

unlisted AS (
    SELECT file.symbol, file.date, file.vanished_at, 'last seen ' || file.last_seen_at AS what
    FROM day_files AS file
    ANTI JOIN shown
        ON file.symbol = shown.symbol
        AND file.last_seen_at = shown.started_at
        AND file.date BETWEEN shown.first_day AND shown.last_day
    WHERE file.dataset = $dataset
    UNION ALL
    SELECT file.symbol, file.date, file.vanished_at, 'vanished ' || file.vanished_at
    FROM day_files AS file
    ANTI JOIN shown
        ON file.symbol = shown.symbol
        AND file.vanished_at = shown.started_at
        AND file.date BETWEEN shown.first_day AND shown.last_day
    WHERE file.dataset = $dataset AND file.vanished_at IS NOT NULL
)

SELECT unlisted.symbol, unlisted.date AS first_day, unlisted.date AS last_day, unlisted.what AS detail
FROM unlisted
ANTI JOIN probes
    ON unlisted.vanished_at IS NULL
    AND probes.dataset = $dataset
    AND unlisted.symbol = probes.symbol
    AND unlisted.date = probes.date
    AND probes.status_code = 200
    AND probes.error IS NULL
