SELECT
    symbols.symbol,
    held.first_day,
    held.last_day,
    held.days_held,
    held.flat_days,
    symbols.kind,
    symbols.base,
    symbols.quote,
    symbols.dataset
FROM (
    SELECT
        symbol,
        min(date) AS first_day,
        max(date) AS last_day,
        count(*) AS days_held,
        count(*) FILTER (WHERE reason = 'flat') AS flat_days
    FROM day_files
    WHERE dataset = $dataset AND date BETWEEN $start AND $end
    GROUP BY symbol
) AS held
INNER JOIN symbols ON held.symbol = symbols.symbol AND symbols.dataset = $dataset
ORDER BY symbols.symbol
