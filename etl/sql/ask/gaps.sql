SELECT symbol, first_day, last_day, days, reason, listing_id, looked_at, dataset
FROM gaps
WHERE dataset = $dataset AND symbol = coalesce($symbol, symbol)
ORDER BY symbol, first_day
