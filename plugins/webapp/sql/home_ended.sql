SELECT date, symbol, detail
FROM events
WHERE event = 'ended'
ORDER BY date DESC, symbol
LIMIT :limit
