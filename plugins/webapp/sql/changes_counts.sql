SELECT event, count(*) AS events, sum(watched) AS watched, max(date) AS newest
FROM events
GROUP BY event
