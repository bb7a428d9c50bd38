SELECT date, files, missing, bytes, listed, available, degraded, pending, flat, ended, completeness, not_looked, dataset
FROM daily_counts
WHERE dataset = $dataset AND date BETWEEN $start AND $end
ORDER BY date
