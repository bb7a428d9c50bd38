-- How many hours after the end of a day its file usually appears: the median LastModified of the traded files of the
-- newest 30 days of each dataset that appeared within a week; what is later was uploaded again. `patience_days` is how
-- many days of a tail may lack their file before a symbol has ended: three, and four more at most where files are late.
WITH newest AS (
    SELECT dataset, max(date) - 30 AS after
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset
),

lags AS (
    SELECT file.dataset, epoch(file.last_modified) - epoch((file.date + 1)::TIMESTAMP) AS seconds
    FROM day_files AS file
    INNER JOIN newest ON file.dataset = newest.dataset AND file.date > newest.after
    LEFT JOIN flat_levels ON file.dataset = flat_levels.dataset
    WHERE file.vanished_at IS NULL AND file.file_size_bytes >= coalesce(flat_levels.bytes, 1)
),

usual AS (
    SELECT dataset, round(median(seconds) / 3600, 2) AS hours
    FROM lags
    WHERE seconds < 7 * 86400
    GROUP BY dataset
)

SELECT
    looked.dataset,
    usual.hours AS usual_hours,
    3 + least(greatest(coalesce(floor(usual.hours / 24), 0), 0), 4)::INTEGER AS patience_days
FROM (SELECT DISTINCT dataset FROM covered) AS looked
LEFT JOIN usual ON looked.dataset = usual.dataset
