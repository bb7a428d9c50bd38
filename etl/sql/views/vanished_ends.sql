-- Runs of days whose file was there and is gone, before the first day held of a symbol or after the last one; all of
-- them where no file is held any more. What vanished between two held days is a hole like any other.
WITH gone AS (
    SELECT file.dataset, file.symbol, file.date
    FROM day_files AS file
    LEFT JOIN (
        SELECT dataset, symbol, min(first_day) AS earliest, max(last_day) AS latest
        FROM timespans
        GROUP BY dataset, symbol
    ) AS held
        ON file.dataset = held.dataset AND file.symbol = held.symbol
    WHERE file.vanished_at IS NOT NULL AND (file.date BETWEEN held.earliest AND held.latest) IS NOT TRUE
)

SELECT dataset, symbol, min(date) AS first_day, max(date) AS last_day
FROM (
    SELECT *, date - row_number() OVER (PARTITION BY dataset, symbol ORDER BY date)::INTEGER AS run
    FROM gone
)
GROUP BY dataset, symbol, run
