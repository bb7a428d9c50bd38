SELECT symbol, first_day, last_day, days, days AS days_held
FROM timespans
WHERE symbol = coalesce($symbol, symbol)
ORDER BY symbol, first_day
