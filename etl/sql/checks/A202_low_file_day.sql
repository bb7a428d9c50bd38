-- Days older than the publication buffer with less than 90 % of the files expected: the lower one of the two
-- medians of the ten days before and after, so that a growing or shrinking market is none. Where fewer
-- symbols were looked at than usual, those not looked at count as if they had a file. With fewer than ten
-- files expected nobody can tell.
WITH held AS (
    SELECT date, count(*) AS files
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL
    GROUP BY date
),

days AS (
    SELECT unnest(generate_series((SELECT min(date) FROM held), $today - 4, INTERVAL 1 DAY))::DATE AS date
),

turns AS (
    SELECT greatest(first_day, (SELECT min(date) FROM held)) AS date, 1 AS turn
    FROM covered
    WHERE dataset = $dataset
    UNION ALL
    SELECT last_day + 1, -1
    FROM covered
    WHERE dataset = $dataset
),

steps AS (SELECT date, sum(turn) AS turn FROM turns GROUP BY date),

looked AS (SELECT date, sum(turn) OVER (ORDER BY date) AS symbols FROM steps),

counts AS (
    SELECT days.date, coalesce(held.files, 0) AS files, looked.symbols
    FROM days
    LEFT JOIN held ON days.date = held.date
    ASOF LEFT JOIN looked ON days.date >= looked.date
),

beside AS (
    SELECT
        *,
        median(files) OVER before AS files_before,
        coalesce(median(files) OVER after, files_before) AS files_after,
        median(symbols) OVER before AS symbols_before,
        coalesce(median(symbols) OVER after, symbols_before) AS symbols_after
    FROM counts
    WINDOW
        before AS (ORDER BY date ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING),
        after AS (ORDER BY date ROWS BETWEEN 1 FOLLOWING AND 10 FOLLOWING)
),

expected AS (
    SELECT
        date,
        files,
        least(files_before, files_after) AS usual,
        greatest(least(symbols_before, symbols_after) - symbols, 0) AS unseen
    FROM beside
    WHERE files_before IS NOT NULL
)

SELECT
    NULL::VARCHAR AS symbol,
    date AS first_day,
    date AS last_day,
    files || ' files where the days beside it have ' || round(usual)::INTEGER AS detail
FROM expected
WHERE files > 0 AND usual >= 10 AND files + unseen < 0.9 * usual
