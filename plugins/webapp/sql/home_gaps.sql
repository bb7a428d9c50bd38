SELECT symbol, first_day, last_day, days, reason
FROM gaps
WHERE dataset = (SELECT dataset FROM build)
ORDER BY last_day DESC, symbol
LIMIT :limit
