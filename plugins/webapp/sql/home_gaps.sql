SELECT symbol, first_day, last_day, days, reason
FROM gaps
ORDER BY last_day DESC, symbol
LIMIT :limit
