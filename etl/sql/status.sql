WITH newest AS (
    SELECT symbol, arg_max(complete, listing_id) AS complete
    FROM listings WHERE dataset = $dataset GROUP BY symbol -- the level of the symbols has none
),
listed AS ( -- a HEAD of a few files is no listing
    SELECT DISTINCT symbol
    FROM listings WHERE dataset = $dataset AND complete AND symbol IS NOT NULL AND method <> 'head'
),
looked AS (
    SELECT symbol, max(last_day) AS last_day
    FROM covered SEMI JOIN listed USING (symbol)
    WHERE dataset = $dataset GROUP BY symbol
),
held AS (
    SELECT count(*) AS files, min(date) AS first_day, max(date) AS last_day
    FROM day_files WHERE dataset = $dataset AND vanished_at IS NULL
)
SELECT
    $dataset,
    (SELECT listing_url FROM archives WHERE dataset = $dataset),
    (SELECT count(*) FROM symbols WHERE dataset = $dataset),
    (SELECT count(*) FROM listed),
    held.files,
    held.first_day,
    held.last_day,
    (SELECT min(last_day) FROM looked),
    (SELECT coalesce(sum(days), 0) FROM gaps WHERE dataset = $dataset),
    (SELECT count(*) FROM revisions WHERE dataset = $dataset),
    (SELECT count(*) FROM strangers WHERE dataset = $dataset),
    (SELECT max(ended_at) FROM listings WHERE dataset = $dataset AND complete AND symbol IS NOT NULL),
    (SELECT count(*) FROM newest WHERE NOT complete)
FROM held
