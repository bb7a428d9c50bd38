-- What capture itself noted: few lines, handed over as text, so that facts of no column of their own are kept.
INSERT INTO events BY NAME
SELECT
    moment(told->>'capture_ts') AS capture_ts,
    told->>'connection' AS connection,
    told->>'event' AS event,
    told->>'reason' AS reason,
    TRY_CAST(told->>'expected' AS BIGINT) AS expected,
    TRY_CAST(told->>'got' AS BIGINT) AS got,
    TRY_CAST(told->>'lost' AS BIGINT) AS lost,
    told::VARCHAR AS note,
    line
FROM (SELECT unnest($lines::INTEGER[]) AS line, unnest($notes::VARCHAR[])::JSON AS told)
