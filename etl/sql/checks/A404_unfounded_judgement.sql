-- Every run of days called missing or pending must lie inside what complete listings covered, name one of
-- them as its evidence, and hold no file.
WITH judged AS MATERIALIZED (
    SELECT symbol, first_day, last_day, condition, reason, listing_id
    FROM absences
    WHERE dataset = $dataset AND condition IS NOT NULL
)

SELECT judged.symbol, judged.first_day, judged.last_day, judged.reason || ', and not covered' AS detail
FROM judged
ANTI JOIN covered
    ON judged.symbol = covered.symbol
    AND covered.dataset = $dataset
    AND judged.first_day >= covered.first_day
    AND judged.last_day <= covered.last_day
UNION ALL
SELECT
    judged.symbol,
    judged.first_day,
    judged.last_day,
    judged.reason || coalesce(', and its evidence, listing ' || judged.listing_id || ', is none', ', without evidence')
FROM judged
ANTI JOIN listings
    ON judged.symbol = listings.symbol
    AND listings.dataset = $dataset
    AND listings.complete
    AND judged.listing_id = listings.listing_id
    AND judged.last_day BETWEEN coalesce(listings.first_day, DATE '0001-01-01') AND listings.last_day
UNION ALL
SELECT judged.symbol, file.date, file.date, judged.reason || ', and its file is held'
FROM judged
INNER JOIN day_files AS file
    ON judged.symbol = file.symbol
    AND file.dataset = $dataset
    AND file.vanished_at IS NULL
    AND file.date BETWEEN judged.first_day AND judged.last_day
