SELECT symbols.symbol
FROM symbols
LEFT JOIN timespans ON symbols.dataset = timespans.dataset AND symbols.symbol = timespans.symbol
WHERE symbols.dataset = $dataset AND timespans.symbol IS NULL
ORDER BY symbols.symbol
