SELECT symbols.symbol
FROM symbols
LEFT JOIN timespans ON symbols.symbol = timespans.symbol
WHERE timespans.symbol IS NULL
ORDER BY symbols.symbol
