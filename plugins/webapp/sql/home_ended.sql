SELECT date, symbol, detail
FROM events
WHERE dataset = (SELECT dataset FROM build) AND event = 'ended'
ORDER BY date DESC, symbol
LIMIT :limit
