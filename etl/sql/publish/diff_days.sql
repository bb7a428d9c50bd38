-- Days whose file one build holds and the other does not, by symbol; each build numbers its symbols for itself.
SELECT
    ours.symbol,
    count(*) AS days,
    min(held.date) AS first_day,
    max(held.date) AS last_day
FROM here.day_file_codes AS held
INNER JOIN here.symbols AS ours ON held.symbol_id = ours.symbol_id
LEFT JOIN there.symbols AS theirs ON ours.dataset = theirs.dataset AND ours.symbol = theirs.symbol
LEFT JOIN there.day_file_codes AS other ON theirs.symbol_id = other.symbol_id AND held.date = other.date
WHERE ours.dataset = :dataset AND other.date IS NULL
GROUP BY ours.symbol
ORDER BY ours.symbol
