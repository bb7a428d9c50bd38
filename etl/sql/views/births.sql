-- The day of the first file of each symbol, vanished ones included, where complete listings looked at the day before and
-- found none: with a series listed from the middle on nobody knows when it began.
SELECT firsts.dataset, firsts.symbol, firsts.date
FROM (SELECT dataset, symbol, min(date) AS date FROM day_files GROUP BY dataset, symbol) AS firsts
SEMI JOIN covered
    ON firsts.dataset = covered.dataset
    AND firsts.symbol = covered.symbol
    AND firsts.date - 1 BETWEEN covered.first_day AND covered.last_day
