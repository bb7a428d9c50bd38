-- One row a held day, with what its size says beside its neighbours; every other judgement of files starts here.
-- A `flat` file is smaller than 10,000 bytes and one of at least three such files in a row of held days: real ones have
-- 7,400 to 8,400 bytes and traded ones 22,000 to 68,000. Only um/klines/1m has a known level; elsewhere nothing is flat.
-- `small` is no bytes at all, or less than 0.4 of the mean of the traded files among the 7 held days on either side
-- (at least 3 of them); not where a day is missing beside it, and not beside a flat size: there trading began or stopped.
WITH sized AS (
    SELECT
        day_files.dataset,
        day_files.symbol,
        day_files.date,
        day_files.file_size_bytes,
        day_files.has_checksum,
        coalesce(flat_levels.bytes, 1) AS level
    FROM day_files
    LEFT JOIN flat_levels ON day_files.dataset = flat_levels.dataset
    WHERE day_files.vanished_at IS NULL
),

-- Symbols without any file that could be flat or small need no look at neighbours: that is most of the work saved.
extremes AS (
    SELECT
        dataset,
        symbol,
        greatest(any_value(level), 0.4 * max(file_size_bytes)) AS suspicious_bytes,
        min(date) AS earliest,
        max(date) AS latest
    FROM sized
    GROUP BY dataset, symbol
),

restless AS (
    SELECT DISTINCT sized.dataset, sized.symbol
    FROM sized
    INNER JOIN extremes ON sized.dataset = extremes.dataset AND sized.symbol = extremes.symbol
    WHERE
        sized.file_size_bytes = 0
        OR (sized.file_size_bytes < extremes.suspicious_bytes AND sized.date NOT IN (extremes.earliest, extremes.latest))
),

-- Frames instead of lag(x, 2): a view with an offset in lag or lead that DuckDB 2.0 wrote cannot be read by 1.4.
beside AS (
    SELECT
        *,
        count(*) FILTER (low) OVER (days ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) = 3 AS low_until_yesterday,
        count(*) FILTER (low) OVER (days ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) = 3 AS low_until_today,
        count(*) FILTER (low) OVER (days ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS low_days,
        count(*) FILTER (low) OVER (days ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) = 3 AS low_from_today,
        min(date) OVER (days ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) = date - 1
        AND max(date) OVER (days ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) = date + 1 AS within,
        count(traded_bytes) OVER around - (traded_bytes IS NOT NULL)::INTEGER AS others,
        sum(traded_bytes) OVER around - coalesce(traded_bytes, 0) AS others_bytes
    FROM (
        SELECT
            sized.*,
            file_size_bytes > 0 AND file_size_bytes < level AS low,
            CASE WHEN file_size_bytes >= level THEN file_size_bytes END AS traded_bytes
        FROM sized
        SEMI JOIN restless ON sized.dataset = restless.dataset AND sized.symbol = restless.symbol
    )
    WINDOW
        days AS (PARTITION BY dataset, symbol ORDER BY date),
        around AS (days ROWS BETWEEN 7 PRECEDING AND 7 FOLLOWING)
),

judged AS (
    SELECT
        *,
        low_until_today OR low_days = 3 OR low_from_today AS flat,
        low_until_yesterday OR low_until_today OR low_days = 3 AS was_flat
    FROM beside
)

SELECT dataset, symbol, date, file_size_bytes, has_checksum, FALSE AS flat, FALSE AS was_flat, FALSE AS small
FROM sized
ANTI JOIN restless ON sized.dataset = restless.dataset AND sized.symbol = restless.symbol
UNION ALL
SELECT
    dataset,
    symbol,
    date,
    file_size_bytes,
    has_checksum,
    flat,
    was_flat, -- the held day before it was
    file_size_bytes = 0
    OR (
        NOT flat
        AND within
        AND (low OR low_days = 0)
        AND others >= 3
        AND file_size_bytes * others < 0.4 * others_bytes::DOUBLE
    ) IS TRUE AS small
FROM judged
