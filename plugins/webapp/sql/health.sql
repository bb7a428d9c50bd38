WITH newest AS (
    SELECT max(date) AS date
    FROM daily_counts INNER JOIN build USING (dataset)
    WHERE files > 0 AND (pending + not_looked) * 10 <= listed
)

SELECT
    newest.date AS newest_complete_day,
    (SELECT count(*) FROM findings INNER JOIN build USING (dataset) WHERE severity = 'error') AS errors,
    (SELECT count(*) FROM findings INNER JOIN build USING (dataset) WHERE severity = 'warning') AS warnings
FROM newest
