SELECT symbol, earliest, days_held
FROM extents
ORDER BY earliest DESC, symbol
LIMIT :limit
