SELECT dataset, source, first_day, last_day, looked_through, symbols, day_files, bytes, is_default
FROM datasets
ORDER BY is_default DESC, dataset
