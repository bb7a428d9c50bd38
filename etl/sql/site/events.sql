SELECT date::VARCHAR AS date, symbol, event, detail, watched, dataset
FROM events
ORDER BY dataset, date, symbol, event, detail
