SELECT symbol, event, detail, watched
FROM events
WHERE dataset = :dataset AND date = :date AND event <> 'listed'
ORDER BY symbol, event
