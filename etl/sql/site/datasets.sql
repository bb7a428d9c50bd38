-- The archives in the order in which they are shown: the default one first.
SELECT
    archives.dataset,
    archives.listing_url AS source,
    held.first_day::VARCHAR AS first_day,
    held.last_day::VARCHAR AS last_day,
    looked.last_day::VARCHAR AS looked_through,
    coalesce(known.symbols, 0) AS symbols,
    coalesce(held.files, 0) AS day_files,
    coalesce(held.bytes, 0) AS bytes,
    (archives.dataset = 'um/klines/1m')::INTEGER AS is_default
FROM archives
LEFT JOIN (SELECT dataset, count(*) AS symbols FROM symbols GROUP BY dataset) AS known ON archives.dataset = known.dataset
LEFT JOIN (
    SELECT
        dataset,
        min(date) AS first_day,
        max(date) AS last_day,
        count(*) AS files,
        sum(file_size_bytes)::BIGINT AS bytes
    FROM day_files
    WHERE vanished_at IS NULL
    GROUP BY dataset
) AS held ON archives.dataset = held.dataset
LEFT JOIN (
    SELECT dataset, min(last_day) AS last_day
    FROM (SELECT dataset, symbol, max(last_day) AS last_day FROM covered GROUP BY dataset, symbol)
    GROUP BY dataset
) AS looked ON archives.dataset = looked.dataset
ORDER BY is_default DESC, archives.dataset
