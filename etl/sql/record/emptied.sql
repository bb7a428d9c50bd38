-- Symbols whose listing came back empty though files were there, and whose folder the newest listing
-- of the symbol level still showed.
WITH suspects AS (
    SELECT
        unnest($symbols::VARCHAR[]) AS symbol,
        coalesce(unnest($firsts::DATE[]), DATE '0001-01-01') AS first_day,
        unnest($lasts::DATE[]) AS last_day
),

newest AS (
    SELECT max(started_at) AS started_at
    FROM listings
    WHERE listings.dataset = $dataset AND listings.symbol IS NULL AND listings.complete
)

SELECT DISTINCT suspects.symbol
FROM suspects
INNER JOIN symbols ON suspects.symbol = symbols.symbol AND symbols.dataset = $dataset
INNER JOIN newest ON symbols.last_seen_at = newest.started_at
INNER JOIN day_files AS file
    ON suspects.symbol = file.symbol
    AND file.dataset = $dataset
    AND file.vanished_at IS NULL
    AND file.date BETWEEN suspects.first_day AND suspects.last_day
