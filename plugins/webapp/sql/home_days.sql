SELECT date, listed, files, missing, pending, degraded
FROM daily_counts
WHERE date BETWEEN :first AND :last
ORDER BY date
