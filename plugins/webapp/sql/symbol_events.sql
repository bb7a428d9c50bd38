SELECT date, event, detail, watched
FROM events
WHERE dataset = :dataset AND symbol = :symbol
ORDER BY date, event
