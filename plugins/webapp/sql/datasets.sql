SELECT dataset, first_day, last_day, symbols, day_files, bytes, is_default
FROM datasets
ORDER BY is_default DESC, dataset
