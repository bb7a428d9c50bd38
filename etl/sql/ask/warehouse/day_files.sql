-- The published view day_files, as the warehouse says it.
SELECT
    file.symbol,
    file.date::VARCHAR AS date,
    file.file_size_bytes,
    strftime(file.last_modified, '%Y-%m-%dT%H:%M:%SZ') AS last_modified,
    file.etag,
    file.has_checksum::INTEGER AS has_checksum,
    file_states.condition,
    file_states.reason,
    file.dataset
FROM day_files AS file
INNER JOIN file_states
    ON file.dataset = file_states.dataset AND file.symbol = file_states.symbol AND file.date = file_states.date
WHERE file.vanished_at IS NULL
