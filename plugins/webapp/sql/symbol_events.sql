SELECT date, event, detail, watched
FROM events
WHERE symbol = :symbol
ORDER BY date, event
