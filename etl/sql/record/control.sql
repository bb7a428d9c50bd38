-- The held file that a host must show whose HEADs found nothing: the newest one that was not asked for, of a symbol
-- asked for where there is any. `asked` says that every file held was asked for. The folder must be one that the newest
-- listing of the symbol level still showed, for a purged symbol proves nothing.
WITH windows AS (
    SELECT
        unnest($symbols::VARCHAR[]) AS symbol,
        unnest($firsts::DATE[]) AS first_day,
        unnest($lasts::DATE[]) AS last_day
),

newest AS (
    SELECT max(started_at) AS started_at
    FROM listings
    WHERE listings.dataset = $dataset AND listings.symbol IS NULL AND listings.complete
)

SELECT
    file.symbol,
    file.date,
    coalesce(bool_or(file.date BETWEEN windows.first_day AND windows.last_day), FALSE) AS asked
FROM day_files AS file
INNER JOIN symbols ON file.dataset = symbols.dataset AND file.symbol = symbols.symbol
INNER JOIN newest ON symbols.last_seen_at = newest.started_at
LEFT JOIN windows ON file.symbol = windows.symbol
WHERE file.dataset = $dataset AND file.vanished_at IS NULL
GROUP BY file.symbol, file.date
ORDER BY asked, count(windows.symbol) = 0, file.date DESC, file.symbol
LIMIT 1
