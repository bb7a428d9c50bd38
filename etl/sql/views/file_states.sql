-- Every held day: available, or degraded where something about its file is doubtful, and why.
SELECT
    dataset,
    symbol,
    date,
    file_size_bytes,
    CASE WHEN small OR NOT coalesce(has_checksum, TRUE) THEN 'degraded' ELSE 'available' END AS condition,
    CASE
        WHEN small THEN 'small_file'
        WHEN NOT has_checksum THEN 'no_checksum'
        WHEN flat THEN 'flat'
    END AS reason
FROM held_days
