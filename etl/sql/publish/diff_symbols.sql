-- Symbols that one build knows and the other does not.
SELECT symbol FROM here.symbols WHERE dataset = :dataset
EXCEPT
SELECT symbol FROM there.symbols WHERE dataset = :dataset
ORDER BY symbol
