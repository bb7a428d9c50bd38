SELECT
    (SELECT max(date) FROM daily_counts WHERE dataset = (SELECT dataset FROM build) AND files > 0 AND (pending + not_looked) * 10 <= listed) AS newest_complete_day,
    (SELECT count(*) FROM findings WHERE severity = 'error') AS errors,
    (SELECT count(*) FROM findings WHERE severity = 'warning') AS warnings
