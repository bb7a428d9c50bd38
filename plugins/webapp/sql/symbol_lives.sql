-- All lives of the ticker: those in the folder asked for, and in the others of the same ticker.
SELECT ticker, life, symbol, first_day, last_day, last_traded_day, days_held
FROM lives
WHERE dataset = :dataset AND ticker IN (SELECT mine.ticker FROM lives AS mine WHERE mine.dataset = :dataset AND mine.symbol = :symbol)
ORDER BY life
