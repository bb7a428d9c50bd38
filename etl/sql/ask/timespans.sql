SELECT symbol, first_day, last_day, days, days AS days_held, dataset
FROM timespans
WHERE dataset = $dataset AND symbol = coalesce($symbol, symbol)
ORDER BY symbol, first_day
