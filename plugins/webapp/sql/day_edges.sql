-- First files of the day; last files of it, where the symbol has ended since.
SELECT symbol, listed_day IS :date AS is_first, latest = :date AND state = 'ended' AS is_last
FROM extents
WHERE dataset = :dataset AND (listed_day = :date OR (latest = :date AND state = 'ended'))
ORDER BY symbol
