SELECT event, count(*) AS events, sum(watched) AS watched, max(date) AS newest
FROM events
WHERE dataset = :dataset
GROUP BY event
