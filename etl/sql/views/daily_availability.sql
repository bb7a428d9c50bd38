-- One row a symbol and day that a complete listing or a probe looked at, from the symbol's first file on,
-- in the columns of the system this one replaces. The newest evidence decides and dates the row
-- (probe_timestamp); status_code is NULL where nobody asked for the file itself over HTTP.
WITH first_days AS (SELECT dataset, symbol, min(date) AS first_day FROM day_files GROUP BY dataset, symbol),

windows AS (
    SELECT
        covered.dataset,
        covered.symbol,
        greatest(covered.first_day, first_days.first_day) AS first_day,
        covered.last_day
    FROM covered
    INNER JOIN first_days ON covered.dataset = first_days.dataset AND covered.symbol = first_days.symbol
),

held AS NOT MATERIALIZED (
    SELECT dataset, symbol, date, file_size_bytes, last_modified, last_seen_at
    FROM day_files
    WHERE vanished_at IS NULL
),

absent AS (
    SELECT looked.dataset, looked.symbol, looked.date, max(listings.started_at) AS seen_at
    FROM (
        SELECT dataset, symbol, unnest(generate_series(first_day, last_day, INTERVAL 1 DAY))::DATE AS date
        FROM windows
    ) AS looked
    ANTI JOIN held
        ON looked.dataset = held.dataset AND looked.symbol = held.symbol AND looked.date = held.date
    INNER JOIN listings
        ON looked.dataset = listings.dataset
        AND looked.symbol = listings.symbol
        AND looked.date BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
    WHERE listings.complete
    GROUP BY looked.dataset, looked.symbol, looked.date
),

probed AS MATERIALIZED (
    SELECT
        probes.dataset,
        probes.symbol,
        probes.date,
        arg_max(probes.status_code, probes.probed_at) AS status_code,
        arg_max_null(probes.file_size_bytes, probes.probed_at) AS file_size_bytes,
        arg_max_null(probes.last_modified, probes.probed_at) AS last_modified,
        max(probes.probed_at) AS probed_at
    FROM probes
    INNER JOIN first_days ON probes.dataset = first_days.dataset AND probes.symbol = first_days.symbol
    WHERE probes.status_code IN (200, 404) AND probes.error IS NULL AND probes.date >= first_days.first_day
    GROUP BY probes.dataset, probes.symbol, probes.date
),

listed AS (
    SELECT dataset, symbol, date, TRUE AS available, file_size_bytes, last_modified, last_seen_at AS seen_at
    FROM held
    UNION ALL
    SELECT dataset, symbol, date, FALSE, NULL, NULL, seen_at
    FROM absent
),

newest AS (
    SELECT
        listed.dataset,
        listed.symbol,
        listed.date,
        CASE WHEN probed.date IS NULL THEN listed.available ELSE probed.status_code = 200 END AS available,
        CASE WHEN probed.date IS NULL THEN listed.file_size_bytes ELSE probed.file_size_bytes END AS file_size_bytes,
        CASE WHEN probed.date IS NULL THEN listed.last_modified ELSE probed.last_modified END AS last_modified,
        probed.status_code,
        coalesce(probed.probed_at, listed.seen_at) AS seen_at
    FROM listed
    LEFT JOIN probed
        ON listed.dataset = probed.dataset
        AND listed.symbol = probed.symbol
        AND listed.date = probed.date
        AND listed.seen_at <= probed.probed_at -- a HEAD and the look it is part of may share a millisecond
    UNION ALL
    SELECT dataset, symbol, date, status_code = 200, file_size_bytes, last_modified, status_code, probed_at
    FROM probed
    ANTI JOIN held
        ON probed.dataset = held.dataset AND probed.symbol = held.symbol AND probed.date = held.date
    ANTI JOIN windows
        ON probed.dataset = windows.dataset
        AND probed.symbol = windows.symbol
        AND probed.date BETWEEN windows.first_day AND windows.last_day
)

SELECT
    newest.date,
    newest.symbol,
    newest.available,
    newest.file_size_bytes,
    newest.last_modified,
    addresses.stem || newest.date || addresses.ending AS url,
    newest.status_code,
    newest.seen_at AS probe_timestamp,
    newest.dataset
FROM newest
LEFT JOIN addresses ON newest.dataset = addresses.dataset AND newest.symbol = addresses.symbol
