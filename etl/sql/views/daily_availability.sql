-- One row a symbol and day that a complete listing or a probe looked at, from the symbol's first file on,
-- in the columns of the system this one replaces. The newest evidence decides and dates the row
-- (probe_timestamp); status_code is NULL where nobody asked for the file itself over HTTP.
WITH first_days AS (
    SELECT dataset, symbol, min(date) AS first_day
    FROM day_files
    GROUP BY dataset, symbol
),

looked AS (
    SELECT
        covered.dataset,
        covered.symbol,
        unnest(generate_series(
            greatest(covered.first_day, first_days.first_day), covered.last_day, INTERVAL 1 DAY
        ))::DATE AS date
    FROM covered
    INNER JOIN first_days ON covered.dataset = first_days.dataset AND covered.symbol = first_days.symbol
),

absent AS (
    SELECT looked.dataset, looked.symbol, looked.date, max(listings.started_at) AS seen_at
    FROM looked
    ANTI JOIN day_files AS file
        ON looked.dataset = file.dataset
        AND looked.symbol = file.symbol
        AND looked.date = file.date
        AND file.vanished_at IS NULL
    INNER JOIN listings
        ON looked.dataset = listings.dataset
        AND looked.symbol = listings.symbol
        AND looked.date BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
    WHERE listings.complete
    GROUP BY looked.dataset, looked.symbol, looked.date
),

listed AS (
    SELECT dataset, symbol, date, TRUE AS available, file_size_bytes, last_modified, last_seen_at AS seen_at
    FROM day_files
    WHERE vanished_at IS NULL
    UNION ALL
    SELECT dataset, symbol, date, FALSE, NULL, NULL, seen_at
    FROM absent
),

probed AS (
    SELECT
        dataset,
        symbol,
        date,
        arg_max(status_code, probed_at) AS status_code,
        arg_max_null(file_size_bytes, probed_at) AS file_size_bytes,
        arg_max_null(last_modified, probed_at) AS last_modified,
        max(probed_at) AS probed_at
    FROM probes
    WHERE status_code IN (200, 404)
    GROUP BY dataset, symbol, date
),

newest AS (
    SELECT listed.dataset, listed.symbol, listed.date, available, file_size_bytes, last_modified, NULL AS status_code, seen_at
    FROM listed
    ANTI JOIN probed
        ON listed.dataset = probed.dataset
        AND listed.symbol = probed.symbol
        AND listed.date = probed.date
        AND listed.seen_at < probed.probed_at
    UNION ALL
    SELECT probed.dataset, probed.symbol, probed.date, status_code = 200, file_size_bytes, last_modified, status_code, probed_at
    FROM probed
    ANTI JOIN listed
        ON probed.dataset = listed.dataset
        AND probed.symbol = listed.symbol
        AND probed.date = listed.date
        AND probed.probed_at <= listed.seen_at
),

stems AS (
    SELECT
        symbols.dataset,
        symbols.symbol,
        archives.files_url || '/data/futures/' || split_part(dataset, '/', 1) || '/daily/' || split_part(dataset, '/', 2)
        || '/' || url_encode(symbol) || '/' || split_part(dataset, '/', 3) || '/' || url_encode(symbol)
        || '-' || split_part(dataset, '/', 3) || '-' AS stem
    FROM (SELECT DISTINCT dataset, symbol FROM newest) AS symbols
    INNER JOIN archives USING (dataset)
)

SELECT
    newest.date,
    newest.symbol,
    newest.available,
    newest.file_size_bytes,
    newest.last_modified,
    stems.stem || newest.date || '.zip' AS url,
    newest.status_code,
    newest.seen_at AS probe_timestamp,
    newest.dataset
FROM newest
LEFT JOIN stems ON newest.dataset = stems.dataset AND newest.symbol = stems.symbol
