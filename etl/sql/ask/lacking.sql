-- Runs of days without a file, from each symbol's first one until it had ended: missing ones and those that nobody looked
-- at. A break between two lives lacks nothing.
SELECT absences.symbol, absences.condition, absences.first_day, absences.last_day
FROM absences
LEFT JOIN (
    SELECT symbol, min(first_day) AS first_day
    FROM absences
    WHERE dataset = $dataset AND reason = 'ended'
    GROUP BY symbol
) AS ends
    ON absences.symbol = ends.symbol
WHERE
    absences.dataset = $dataset
    AND (absences.condition = 'missing' OR absences.reason = 'not_looked')
    AND absences.reason <> 'relist_break'
    AND absences.first_day < coalesce(ends.first_day, '9999-12-31')
    AND absences.first_day <= $end
    AND absences.last_day >= $start
