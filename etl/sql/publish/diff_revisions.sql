-- Files that both builds hold and that are not the same: here is the new build, there the old one.
SELECT
    ours.symbol,
    held.date,
    CASE
        WHEN held.etag <> other.etag OR held.file_size_bytes <> other.file_size_bytes THEN 'changed' ELSE 'touched'
    END AS change,
    other.file_size_bytes AS old_file_size_bytes,
    other.last_modified AS old_last_modified,
    other.etag AS old_etag,
    held.file_size_bytes AS new_file_size_bytes,
    held.last_modified AS new_last_modified,
    held.etag AS new_etag
FROM here.day_file_codes AS held
INNER JOIN here.symbols AS ours ON held.symbol_id = ours.symbol_id
INNER JOIN there.symbols AS theirs ON ours.dataset = theirs.dataset AND ours.symbol = theirs.symbol
INNER JOIN there.day_file_codes AS other ON theirs.symbol_id = other.symbol_id AND held.date = other.date
WHERE ours.dataset = :dataset
    AND (
        held.etag <> other.etag
        OR held.file_size_bytes <> other.file_size_bytes
        OR held.last_modified <> other.last_modified
    )
ORDER BY ours.symbol, held.date
