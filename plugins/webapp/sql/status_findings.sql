-- The first few of each code, errors first, with how many there are of it.
SELECT code, severity, symbol, first_day, last_day, detail, findings, nullif(dataset, (SELECT dataset FROM build)) AS elsewhere
FROM (
    SELECT
        *,
        count(*) OVER (PARTITION BY code) AS findings,
        row_number() OVER (PARTITION BY code ORDER BY dataset <> (SELECT dataset FROM build), first_day DESC, symbol, dataset) AS place
    FROM findings
)
WHERE place <= :limit
ORDER BY severity, code, place
