-- The newest complete listing of each symbol against the files last seen by it; and every file that was
-- there when it was asked for, unless a later listing covers its day.
WITH newest AS (
    SELECT symbol, max((started_at, listing_id)) AS newest
    FROM listings
    WHERE dataset = $dataset AND complete AND symbol IS NOT NULL
    GROUP BY symbol
),

listed AS (
    SELECT
        listings.symbol,
        listings.started_at,
        coalesce(listings.first_day, DATE '0001-01-01') AS first_day,
        listings.last_day,
        listings.day_files,
        listings.listing_id
    FROM listings
    INNER JOIN newest ON listings.symbol = newest.symbol AND listings.listing_id = newest.newest[2]
    WHERE listings.dataset = $dataset
),

counted AS (
    SELECT
        listed.symbol,
        any_value(listed.first_day) AS first_day,
        any_value(listed.last_day) AS last_day,
        any_value(listed.day_files) AS day_files,
        any_value(listed.listing_id) AS listing_id,
        count(file.date) AS held
    FROM listed
    LEFT JOIN day_files AS file
        ON listed.symbol = file.symbol
        AND file.dataset = $dataset
        AND file.vanished_at IS NULL
        AND listed.started_at = file.last_seen_at
        AND file.date BETWEEN listed.first_day AND listed.last_day
    GROUP BY listed.symbol
),

there AS (
    SELECT asked.symbol, asked.date, max(asked.probed_at) AS probed_at
    FROM probes AS asked
    ANTI JOIN day_files AS file
        ON asked.symbol = file.symbol
        AND asked.date = file.date
        AND file.dataset = $dataset
        AND file.vanished_at IS NULL
    WHERE asked.dataset = $dataset AND asked.status_code = 200 AND asked.error IS NULL
    GROUP BY asked.symbol, asked.date
)

SELECT
    symbol,
    nullif(first_day, DATE '0001-01-01') AS first_day,
    last_day,
    'listing ' || listing_id || ' showed ' || day_files || ' files, ' || held || ' are recorded' AS detail
FROM counted
WHERE held <> day_files
UNION ALL
SELECT there.symbol, there.date, there.date, 'a probe of ' || there.probed_at || ' found it'
FROM there
ANTI JOIN listings
    ON there.symbol = listings.symbol
    AND listings.dataset = $dataset
    AND listings.complete
    AND listings.started_at > there.probed_at
    AND there.date BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
