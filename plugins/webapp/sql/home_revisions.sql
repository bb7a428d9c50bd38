SELECT symbol, date, change, detected_at
FROM revisions
ORDER BY detected_at DESC, date DESC, symbol
LIMIT :limit
