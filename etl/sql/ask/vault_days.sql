SELECT symbol, date, hours, rows, bytes, parts, losses, lost_messages, breaks, dataset
FROM vault_days
WHERE
    dataset = coalesce($dataset, dataset)
    AND symbol = coalesce($symbol, symbol)
    AND date BETWEEN $start AND $end
ORDER BY dataset, symbol, date
