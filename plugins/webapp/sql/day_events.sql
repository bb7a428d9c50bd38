SELECT symbol, event, detail, watched
FROM events
WHERE date = :date AND event <> 'listed'
ORDER BY symbol, event
