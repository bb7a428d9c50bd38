-- The newest day that any symbol was looked at.
SELECT max(looked_through) AS looked_through
FROM symbols
