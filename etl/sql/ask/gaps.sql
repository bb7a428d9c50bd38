SELECT symbol, first_day, last_day, days, reason, listing_id, looked_at
FROM gaps
WHERE symbol = coalesce($symbol, symbol)
ORDER BY symbol, first_day
