INSERT INTO frames
SELECT coalesce(event, channel), count(*)
FROM staged
WHERE coalesce(event, channel) IS NOT NULL
GROUP BY ALL
