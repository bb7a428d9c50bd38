SELECT date, symbol, event, detail, watched
FROM events
WHERE dataset = :dataset AND event = coalesce(nullif(:event, ''), event)
ORDER BY date DESC, symbol, event
LIMIT :limit
