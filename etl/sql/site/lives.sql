SELECT
    ticker,
    life,
    symbol,
    first_day::VARCHAR AS first_day,
    last_day::VARCHAR AS last_day,
    last_traded_day::VARCHAR AS last_traded_day,
    days_held,
    dataset
FROM lives
ORDER BY dataset, ticker, life
