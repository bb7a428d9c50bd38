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

held AS (
    SELECT dataset, symbol, date, file_size_bytes, last_modified, last_seen_at
    FROM day_files
    WHERE vanished_at IS NULL
),

absent AS (
    SELECT looked.dataset, looked.symbol, looked.date, max(listings.started_at) AS seen_at
    FROM looked
    ANTI JOIN held
        ON looked.dataset = held.dataset AND looked.symbol = held.symbol AND looked.date = held.date
    INNER JOIN listings
        ON looked.dataset = listings.dataset
        AND looked.symbol = listings.symbol
        AND looked.date BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
    WHERE listings.complete
    GROUP BY looked.dataset, looked.symbol, looked.date
),

evidence AS (
    SELECT
        dataset, symbol, date, TRUE AS available, file_size_bytes, last_modified,
        NULL::INTEGER AS status_code, last_seen_at AS seen_at
    FROM held
    UNION ALL
    SELECT dataset, symbol, date, FALSE, NULL, NULL, NULL, seen_at
    FROM absent
    UNION ALL
    SELECT dataset, symbol, date, status_code = 200, file_size_bytes, last_modified, status_code, probed_at
    FROM probes
    WHERE status_code IN (200, 404)
),

newest AS (
    SELECT
        dataset,
        symbol,
        date,
        arg_max(available, seen_at) AS available,
        arg_max_null(file_size_bytes, seen_at) AS file_size_bytes,
        arg_max_null(last_modified, seen_at) AS last_modified,
        arg_max_null(status_code, seen_at) AS status_code,
        max(seen_at) AS probe_timestamp
    FROM evidence
    GROUP BY dataset, symbol, date
)

SELECT
    newest.date,
    newest.symbol,
    newest.available,
    newest.file_size_bytes,
    newest.last_modified,
    archives.files_url || '/data/futures/' || split_part(dataset, '/', 1) || '/daily/' || split_part(dataset, '/', 2)
    || '/' || url_encode(symbol) || '/' || split_part(dataset, '/', 3) || '/' || url_encode(symbol)
    || '-' || split_part(dataset, '/', 3) || '-' || date || '.zip' AS url,
    newest.status_code,
    newest.probe_timestamp,
    dataset
FROM newest
LEFT JOIN archives USING (dataset)
