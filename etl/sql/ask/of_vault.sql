SELECT DISTINCT dataset, symbol
FROM vault_days
ORDER BY dataset, symbol
