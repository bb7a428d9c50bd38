SELECT
    newest.date AS newest,
    counts.files,
    counts.listed,
    counts.missing,
    (SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()) AS bytes
FROM (SELECT max(date) AS date FROM daily_counts WHERE dataset = (SELECT dataset FROM build) AND files > 0 AND (pending + not_looked) * 10 <= listed) AS newest
LEFT JOIN daily_counts AS counts ON newest.date = counts.date AND counts.dataset = (SELECT dataset FROM build)
