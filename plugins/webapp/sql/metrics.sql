SELECT
    (SELECT count(*) FROM daily_counts WHERE dataset = (SELECT dataset FROM build) AND files > 0) AS days,
    (SELECT count(*) FROM gaps WHERE dataset = (SELECT dataset FROM build)) AS gaps
