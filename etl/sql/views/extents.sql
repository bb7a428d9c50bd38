-- From the first to the last day held of each symbol, how whole that is, and what became of the symbol: ended where the
-- market published without it for more than three days; else unknown where nobody looked at more than three newer days;
-- flat where its newest files show no trade; pending where a file is awaited of a day on which the market published;
-- trading. `listed_day` is the day of its first file (view births). Completeness counts the days of a relist_break as
-- missing.
WITH held AS (
    SELECT
        dataset,
        symbol,
        min(date) AS earliest,
        max(date) AS latest,
        count(*) AS days_held,
        count(*) FILTER (flat) AS flat_days,
        count(*) FILTER (small OR has_checksum = FALSE) AS degraded_days,
        max(date) FILTER (NOT flat AND file_size_bytes > 0) AS last_traded_day,
        arg_max(flat, date) AS is_flat
    FROM held_days
    GROUP BY dataset, symbol
),

spans AS (SELECT dataset, symbol, count(*) AS timespan_count FROM timespans GROUP BY dataset, symbol),

lacking AS (
    SELECT
        holes.dataset,
        holes.symbol,
        sum(holes.last_day - holes.first_day + 1)::BIGINT AS days_missing,
        max(holes.last_day - holes.first_day + 1) AS longest_gap
    FROM holes
    INNER JOIN held
        ON holes.dataset = held.dataset
        AND holes.symbol = held.symbol
        AND holes.first_day BETWEEN held.earliest AND held.latest
    WHERE holes.inside AND holes.looked
    GROUP BY holes.dataset, holes.symbol
),

looked AS (SELECT dataset, symbol, max(last_day) AS last_day FROM covered GROUP BY dataset, symbol),

-- until the first files of a morning are there, everybody's are awaited, and that says nothing of a symbol
market AS (SELECT dataset, max(date) AS newest_day FROM market_days WHERE published AND files > 0 GROUP BY dataset),

tails AS (
    SELECT
        absences.dataset,
        absences.symbol,
        bool_or(absences.reason = 'ended') AS ended,
        bool_or(absences.condition = 'pending' AND absences.first_day <= market.newest_day) AS pending,
        sum(absences.days) FILTER (absences.reason = 'not_looked' AND absences.first_day > held.latest) AS not_looked
    FROM absences
    INNER JOIN held ON absences.dataset = held.dataset AND absences.symbol = held.symbol
    LEFT JOIN market ON absences.dataset = market.dataset
    GROUP BY absences.dataset, absences.symbol
)

SELECT
    held.dataset,
    held.symbol,
    held.earliest,
    held.latest,
    held.days_held,
    coalesce(lacking.days_missing, 0) AS days_missing,
    spans.timespan_count,
    coalesce(lacking.longest_gap, 0) AS longest_gap,
    round(held.days_held / (held.days_held + coalesce(lacking.days_missing, 0)), 6) AS completeness,
    held.flat_days,
    held.degraded_days,
    held.last_traded_day,
    looked.last_day AS looked_through,
    CASE
        WHEN tails.ended THEN 'ended'
        WHEN tails.not_looked > publication.patience_days THEN 'unknown'
        WHEN held.is_flat THEN 'flat'
        WHEN tails.pending THEN 'pending'
        ELSE 'trading'
    END AS state,
    births.date AS listed_day
FROM held
INNER JOIN spans ON held.dataset = spans.dataset AND held.symbol = spans.symbol
LEFT JOIN lacking ON held.dataset = lacking.dataset AND held.symbol = lacking.symbol
LEFT JOIN looked ON held.dataset = looked.dataset AND held.symbol = looked.symbol
LEFT JOIN tails ON held.dataset = tails.dataset AND held.symbol = tails.symbol
LEFT JOIN births ON held.dataset = births.dataset AND held.symbol = births.symbol
LEFT JOIN publication ON held.dataset = publication.dataset
