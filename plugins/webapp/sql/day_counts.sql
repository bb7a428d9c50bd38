SELECT date, files, missing, bytes, listed, available, degraded, pending, flat, ended, completeness
FROM daily_counts
WHERE date = :date
