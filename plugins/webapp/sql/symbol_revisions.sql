-- Newest first, and few: a burst of re-uploads changes thousands of files at once.
SELECT
    date,
    change,
    detected_at,
    listing_id,
    old_file_size_bytes,
    new_file_size_bytes,
    count(*) OVER () AS total
FROM revisions
WHERE dataset = :dataset AND symbol = :symbol
ORDER BY detected_at DESC, date DESC
LIMIT 50
