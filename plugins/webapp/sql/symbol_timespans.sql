SELECT symbol, first_day, last_day, days
FROM timespans
WHERE dataset = :dataset AND symbol IN (SELECT value FROM json_each(:symbols))
ORDER BY symbol, first_day
