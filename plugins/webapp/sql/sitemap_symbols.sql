-- The newest day that something of a symbol is about or was noticed on; of one without a file, when it was first seen.
WITH known (symbol, changed) AS (
    SELECT symbol, latest FROM extents
    UNION ALL
    SELECT symbol, substr(detected_at, 1, 10) FROM revisions
    UNION ALL
    SELECT symbol, date FROM events
)
SELECT symbols.symbol, coalesce(max(known.changed), substr(symbols.first_seen_at, 1, 10)) AS changed
FROM symbols
LEFT JOIN known ON symbols.symbol = known.symbol
GROUP BY symbols.symbol
ORDER BY symbols.symbol
