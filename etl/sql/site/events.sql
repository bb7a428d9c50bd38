SELECT date::VARCHAR AS date, symbol, event, detail, watched
FROM events
WHERE dataset = $dataset
ORDER BY date, symbol, event, detail
