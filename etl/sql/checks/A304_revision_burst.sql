-- At least 20 files found changed, or found gone, on one of the last 30 days; the days are those of the files.
SELECT
    NULL::VARCHAR AS symbol,
    min(date) AS first_day,
    max(date) AS last_day,
    count(*) || ' files of ' || count(DISTINCT symbol) || ' symbol(s) ' || change || ', found '
    || detected_at::DATE AS detail
FROM revisions
WHERE dataset = $dataset AND change IN ('changed', 'vanished') AND detected_at >= $today - 30
GROUP BY change, detected_at::DATE
HAVING count(*) >= 20
