-- As listed when last seen; a day that vanished since is not known.
SELECT
    held.date::VARCHAR AS date,
    held.hours,
    held.rows,
    held.bytes,
    held.parts,
    strftime(file.last_modified, '%Y-%m-%dT%H:%M:%SZ') AS last_modified,
    file.etag,
    held.losses,
    held.lost_messages,
    held.breaks,
    held.files_md5
FROM vault_days AS held
INNER JOIN day_files AS file
    ON held.dataset = file.dataset AND held.symbol = file.symbol AND held.date = file.date AND file.vanished_at IS NULL
WHERE held.dataset = $dataset AND held.symbol = $symbol
