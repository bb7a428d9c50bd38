-- First files of the day; last files of it, where the symbol has ended since.
SELECT symbol, earliest = :date AS is_first, latest = :date AND state = 'ended' AS is_last, earliest, latest, days_held
FROM extents
WHERE earliest = :date OR (latest = :date AND state = 'ended')
ORDER BY symbol
