-- From the first to the last day held of each symbol, and how whole that is.
WITH held AS (
    SELECT
        dataset,
        symbol,
        min(first_day) AS earliest,
        max(last_day) AS latest,
        sum(days)::BIGINT AS days_held,
        count(*) AS timespan_count
    FROM timespans
    GROUP BY dataset, symbol
),

lacking AS (
    SELECT dataset, symbol, sum(days)::BIGINT AS days_missing, max(days) AS longest_gap
    FROM gaps
    GROUP BY dataset, symbol
)

SELECT
    held.dataset,
    held.symbol,
    held.earliest,
    held.latest,
    held.days_held,
    coalesce(lacking.days_missing, 0) AS days_missing,
    held.timespan_count,
    coalesce(lacking.longest_gap, 0) AS longest_gap,
    round(held.days_held / (held.days_held + coalesce(lacking.days_missing, 0)), 6) AS completeness
FROM held
LEFT JOIN lacking ON held.dataset = lacking.dataset AND held.symbol = lacking.symbol
