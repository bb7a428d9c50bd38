SELECT symbol, date, change, detected_at
FROM revisions
WHERE dataset = (SELECT dataset FROM build)
ORDER BY detected_at DESC, date DESC, symbol
LIMIT :limit
