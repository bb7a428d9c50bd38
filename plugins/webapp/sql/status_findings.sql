-- The first few of each code, errors first, with how many there are of it.
SELECT code, severity, symbol, first_day, last_day, detail, findings
FROM (
    SELECT
        *,
        count(*) OVER (PARTITION BY code) AS findings,
        row_number() OVER (PARTITION BY code ORDER BY first_day DESC, symbol) AS place
    FROM findings
)
WHERE place <= :limit
ORDER BY severity, code, place
