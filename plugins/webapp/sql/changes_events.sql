SELECT date, symbol, event, detail, watched
FROM events
WHERE event = coalesce(nullif(:event, ''), event)
ORDER BY date DESC, symbol, event
LIMIT :limit
