-- Runs of days without a file from a symbol's first file to the newest day any symbol of the dataset was looked at,
-- cut where complete listings of the symbol begin and end: between two files (`inside`) or after the last one. A file
-- that vanished before the first or after the last one held still tells where the series began or ended.
WITH spans AS (
    SELECT
        dataset,
        symbol,
        last_day + 1 AS first_day,
        lead(first_day) OVER (PARTITION BY dataset, symbol ORDER BY first_day) - 1 AS last_day
    FROM (
        SELECT dataset, symbol, first_day, last_day FROM timespans
        UNION ALL
        SELECT dataset, symbol, first_day, last_day FROM vanished_ends
    )
),

newest AS (SELECT dataset, max(last_day) AS last_day FROM covered GROUP BY dataset),

bare AS (
    SELECT
        spans.dataset,
        spans.symbol,
        spans.first_day AS hole,
        spans.first_day,
        coalesce(spans.last_day, newest.last_day) AS last_day,
        spans.last_day IS NOT NULL AS inside
    FROM spans
    INNER JOIN newest ON spans.dataset = newest.dataset
    WHERE coalesce(spans.last_day, newest.last_day) >= spans.first_day
),

seen AS (
    SELECT
        bare.* EXCLUDE (first_day, last_day),
        greatest(bare.first_day, covered.first_day) AS first_day,
        least(bare.last_day, covered.last_day) AS last_day,
        bare.last_day AS hole_end
    FROM bare
    INNER JOIN covered
        ON bare.dataset = covered.dataset
        AND bare.symbol = covered.symbol
        AND bare.first_day <= covered.last_day
        AND bare.last_day >= covered.first_day
),

unseen AS (
    SELECT
        dataset,
        symbol,
        hole,
        inside,
        last_day + 1 AS first_day,
        coalesce(lead(first_day) OVER (PARTITION BY dataset, symbol, hole ORDER BY last_day) - 1, hole_end) AS last_day
    FROM (
        SELECT dataset, symbol, hole, inside, first_day, last_day, hole_end FROM seen
        UNION ALL
        SELECT dataset, symbol, hole, inside, NULL, first_day - 1, last_day FROM bare
    )
)

SELECT dataset, symbol, hole, inside, TRUE AS looked, first_day, last_day FROM seen
UNION ALL
SELECT dataset, symbol, hole, inside, FALSE AS looked, first_day, last_day FROM unseen WHERE first_day <= last_day
