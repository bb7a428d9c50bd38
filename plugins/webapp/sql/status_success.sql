SELECT
    count(*) AS runs,
    coalesce(sum(outcome = 'done'), 0) AS done
FROM runs
WHERE started_at >= :since
