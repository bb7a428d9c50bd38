SELECT symbol
FROM symbols
WHERE symbol = $symbol
