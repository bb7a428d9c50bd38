SELECT symbol, kind, quote
FROM symbols
ORDER BY symbol
