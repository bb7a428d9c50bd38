SELECT symbol, date AS first_day, date AS last_day, 'the same day file ' || count(*) || ' times' AS detail
FROM day_files
WHERE dataset = $dataset
GROUP BY symbol, date
HAVING count(*) > 1
UNION ALL
SELECT symbol, NULL, NULL, 'the same symbol ' || count(*) || ' times'
FROM symbols
WHERE dataset = $dataset
GROUP BY symbol
HAVING count(*) > 1
UNION ALL
SELECT min(symbol), NULL, NULL, 'listing ' || listing_id || ' ' || count(*) || ' times'
FROM listings
GROUP BY listing_id
HAVING count(*) > 1
UNION ALL
SELECT NULL, NULL, NULL, 'the dataset ' || count(*) || ' times'
FROM archives
WHERE dataset = $dataset
HAVING count(*) > 1
