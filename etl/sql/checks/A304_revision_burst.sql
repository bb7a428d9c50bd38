-- Bursts of the last 30 days; the days are those of the files.
SELECT
    NULL::VARCHAR AS symbol,
    first_day,
    last_day,
    files || ' files of ' || symbols || ' symbol(s) ' || change || ', found ' || detected_on AS detail
FROM revision_bursts
WHERE dataset = $dataset AND detected_on >= $today - 30
