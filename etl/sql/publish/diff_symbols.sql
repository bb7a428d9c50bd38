-- Symbols that one build knows and the other does not.
SELECT symbol FROM here.symbols WHERE dataset = (SELECT dataset FROM here.build)
EXCEPT
SELECT symbol FROM there.symbols WHERE dataset = (SELECT dataset FROM there.build)
ORDER BY symbol
