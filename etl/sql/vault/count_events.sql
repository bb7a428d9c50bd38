SELECT
    count(*) FILTER (event = 'loss') AS losses,
    coalesce(sum(lost) FILTER (event = 'loss'), 0)::BIGINT AS lost_messages,
    count(*) FILTER (event = 'break') AS breaks
FROM (
    SELECT DISTINCT segment, line, event, lost
    FROM read_parquet($files, union_by_name = true, hive_partitioning = false)
)
