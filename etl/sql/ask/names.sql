SELECT symbol, kind, quote
FROM symbols
WHERE dataset = $dataset
ORDER BY symbol
