-- One day a week, counted back from the newest day of which nothing is pending.
SELECT date, listed, files, flat
FROM daily_counts
WHERE dataset = (SELECT dataset FROM build)
  AND date <= :newest
  AND (CAST(julianday(:newest) AS INTEGER) - CAST(julianday(date) AS INTEGER)) % 7 = 0
ORDER BY date
