-- UTC days on which at least 20 files were found with other content, or at least 20 found gone.
SELECT
    dataset,
    detected_at::DATE AS detected_on,
    change,
    count(*) AS files,
    count(DISTINCT symbol) AS symbols,
    min(symbol) AS symbol,
    min(date) AS first_day,
    max(date) AS last_day
FROM revisions
WHERE change IN ('changed', 'vanished')
GROUP BY dataset, detected_at::DATE, change
HAVING count(*) >= 20
