-- A line of which one row is odd is refused whole; {channel} is the name of a table.
INSERT INTO rejected
SELECT line, min(odd) || ' is missing or is no value of its type'
FROM {channel}
WHERE line > $before AND odd IS NOT NULL AND line NOT IN (SELECT line FROM rejected)
GROUP BY line
