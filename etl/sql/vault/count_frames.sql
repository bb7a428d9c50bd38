INSERT INTO frames
SELECT coalesce(channel, event), count(*)
FROM staged
WHERE coalesce(channel, event) IS NOT NULL
GROUP BY ALL
