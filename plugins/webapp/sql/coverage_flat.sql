-- Within a life files are flat after the last traded one, for a traded file after flat ones begins a new life.
SELECT symbol, coalesce(date(last_traded_day, '+1 day'), first_day) AS first_day, last_day
FROM lives
WHERE dataset = :dataset AND (last_traded_day IS NULL OR last_traded_day < last_day)
ORDER BY symbol, first_day
