SELECT date, listed, files, missing, pending, degraded, not_looked
FROM daily_counts
WHERE dataset = (SELECT dataset FROM build) AND date BETWEEN :first AND :last
ORDER BY date
