SELECT date, hours, rows, bytes, parts, losses, lost_messages, breaks
FROM vault_days
WHERE dataset = :dataset AND symbol = :symbol
ORDER BY date
