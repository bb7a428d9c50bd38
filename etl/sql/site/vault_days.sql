SELECT
    held.symbol,
    held.date::VARCHAR AS date,
    held.hours,
    held.rows,
    held.bytes,
    held.parts,
    held.losses,
    held.lost_messages,
    held.breaks,
    held.dataset
FROM vault_days AS held
INNER JOIN day_files AS file
    ON held.dataset = file.dataset AND held.symbol = file.symbol AND held.date = file.date
WHERE file.vanished_at IS NULL
ORDER BY held.dataset, held.symbol, held.date
