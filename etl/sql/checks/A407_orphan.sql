WITH holders AS (
    SELECT symbol, 'has day files' AS what
    FROM day_files
    WHERE dataset = $dataset
    GROUP BY symbol
    UNION ALL
    SELECT symbol, 'has listings'
    FROM listings
    WHERE dataset = $dataset AND symbol IS NOT NULL
    GROUP BY symbol
)

SELECT holders.symbol, NULL::DATE AS first_day, NULL::DATE AS last_day, holders.what || ' and is no known symbol' AS detail
FROM holders
ANTI JOIN symbols ON holders.symbol = symbols.symbol AND symbols.dataset = $dataset
UNION ALL
SELECT revisions.symbol, revisions.date, revisions.date, 'a revision (' || revisions.change || ') of no recorded file'
FROM revisions
ANTI JOIN day_files
    ON revisions.dataset = day_files.dataset
    AND revisions.symbol = day_files.symbol
    AND revisions.date = day_files.date
WHERE revisions.dataset = $dataset
UNION ALL
SELECT revisions.symbol, revisions.date, revisions.date, 'a revision (' || revisions.change || ') of no recorded listing'
FROM revisions
ANTI JOIN listings ON revisions.listing_id = listings.listing_id
WHERE revisions.dataset = $dataset
