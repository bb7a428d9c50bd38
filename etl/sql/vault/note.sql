INSERT INTO noted
SELECT segment, line, event, lost
FROM read_parquet($file, hive_partitioning = false)
