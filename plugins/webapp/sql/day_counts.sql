SELECT date, files, missing, bytes, listed, available, degraded, pending, flat, ended, completeness, not_looked
FROM daily_counts
WHERE dataset = :dataset AND date = :date
