-- The newest day, not after $until, with at least 90 % of the median of files of the ten days before it.
WITH counts AS (
    SELECT date, count(*) AS files
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL AND date <= $until::DATE
    GROUP BY date
),

beside AS (
    SELECT date, files, median(files) OVER (ORDER BY date ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING) AS usual
    FROM counts
)

SELECT date FROM beside WHERE files >= 0.9 * coalesce(usual, files) ORDER BY date DESC LIMIT 1
