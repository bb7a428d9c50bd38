SELECT date::VARCHAR AS date, files, missing, bytes
FROM daily_counts
WHERE dataset = $dataset
ORDER BY date
