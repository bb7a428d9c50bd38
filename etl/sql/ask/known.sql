SELECT symbol
FROM symbols
WHERE dataset = $dataset AND symbol = $symbol
