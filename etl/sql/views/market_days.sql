-- Every day from the first file ever seen to the newest day looked at: the files of that day, the number usual for the
-- symbols looked at that day (the median share over the 10 days with files before and the 10 after), and whether the
-- market published. Fewer than half of at least 10 usual files: it did not. In a smaller archive nobody can tell.
WITH counted AS (
    SELECT dataset, date, count(*) AS files
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset, date
),

bounds AS (
    SELECT
        held.dataset,
        held.first_day,
        greatest(held.last_day, coalesce(looked.last_day, held.last_day)) AS last_day
    FROM (SELECT dataset, min(date) AS first_day, max(date) AS last_day FROM day_files GROUP BY dataset) AS held
    LEFT JOIN (SELECT dataset, max(last_day) AS last_day FROM covered GROUP BY dataset) AS looked
        ON held.dataset = looked.dataset
),

days AS (
    SELECT dataset, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
    FROM bounds
),

steps AS (
    SELECT covered.dataset, greatest(covered.first_day, bounds.first_day) AS date, count(*) AS symbols
    FROM covered INNER JOIN bounds ON covered.dataset = bounds.dataset
    WHERE covered.last_day >= bounds.first_day
    GROUP BY ALL
    UNION ALL
    SELECT covered.dataset, covered.last_day + 1, -count(*)
    FROM covered INNER JOIN bounds ON covered.dataset = bounds.dataset
    WHERE covered.last_day >= bounds.first_day
    GROUP BY ALL
),

stepped AS (SELECT dataset, date, sum(symbols)::BIGINT AS symbols FROM steps GROUP BY dataset, date),

looked AS (
    SELECT
        days.dataset,
        days.date,
        coalesce(counted.files, 0) AS files,
        coalesce(sum(stepped.symbols) OVER (PARTITION BY days.dataset ORDER BY days.date), 0) AS symbols,
        count(counted.files) OVER (PARTITION BY days.dataset ORDER BY days.date) AS held_until
    FROM days
    LEFT JOIN counted ON days.dataset = counted.dataset AND days.date = counted.date
    LEFT JOIN stepped ON days.dataset = stepped.dataset AND days.date = stepped.date
),

shares AS (
    SELECT dataset, held_until AS place, files / greatest(symbols, files) AS share
    FROM looked
    WHERE files > 0
),

around AS (
    SELECT
        dataset,
        date,
        unnest(list_concat(
            range(held_until - (files > 0)::INTEGER - 9, held_until - (files > 0)::INTEGER + 1),
            range(held_until + 1, held_until + 11)
        )) AS place
    FROM looked
),

medians AS (
    SELECT around.dataset, around.date, median(shares.share) AS share
    FROM around
    INNER JOIN shares ON around.dataset = shares.dataset AND around.place = shares.place
    GROUP BY around.dataset, around.date
),

judged AS (
    SELECT
        looked.dataset,
        looked.date,
        looked.files,
        round(coalesce(medians.share * greatest(looked.symbols, looked.files), looked.files), 6) AS usual
    FROM looked
    LEFT JOIN medians ON looked.dataset = medians.dataset AND looked.date = medians.date
)

SELECT dataset, date, files, round(usual, 1) AS usual, usual < 10 OR files >= 0.5 * usual AS published
FROM judged
