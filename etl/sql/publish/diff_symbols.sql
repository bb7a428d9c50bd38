-- Symbols that one build knows and the other does not.
SELECT symbol FROM here.symbols
EXCEPT
SELECT symbol FROM there.symbols
ORDER BY symbol
