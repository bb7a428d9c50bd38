-- How many hours after the end of a day its file usually appears: the median LastModified of the traded files of the
-- newest 30 days of each dataset. A file uploaded again later only moves the median if most were.
WITH newest AS (
    SELECT dataset, max(date) - 30 AS after
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset
)

SELECT
    file.dataset,
    round(median(epoch(file.last_modified) - epoch((file.date + 1)::TIMESTAMP)) / 3600, 2) AS usual_hours
FROM day_files AS file
INNER JOIN newest ON file.dataset = newest.dataset AND file.date > newest.after
LEFT JOIN flat_levels ON file.dataset = flat_levels.dataset
WHERE file.vanished_at IS NULL AND file.file_size_bytes >= coalesce(flat_levels.bytes, 1)
GROUP BY file.dataset
