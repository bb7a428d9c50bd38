SELECT
    (SELECT count(*) FROM daily_counts WHERE files > 0) AS days,
    (SELECT count(*) FROM gaps) AS gaps
