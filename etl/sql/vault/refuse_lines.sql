-- Lines that fit no table as a whole, and why.
INSERT INTO rejected
SELECT line, reason
FROM (
    SELECT
        $before::INTEGER + rowid::INTEGER + 1 AS line,
        CASE
            WHEN capture_ts IS NULL AND connection IS NULL AND event IS NULL AND channel IS NULL
                THEN 'it is no JSON object of a capture'
            WHEN capture_ts IS NULL THEN 'capture_ts is missing or no moment'
            WHEN event IS NOT NULL OR channel IN ('heartbeats', 'subscriptions') THEN NULL
            WHEN channel IS NULL THEN 'the frame names no channel'
            WHEN channel NOT IN ('l2_data', 'market_trades', 'ticker', 'candles')
                THEN 'no table takes the channel ' || channel
            WHEN moment(data.timestamp) IS NULL THEN 'timestamp is missing or no moment'
            WHEN data.events IS NULL THEN 'events are missing or no list'
            WHEN len(list_filter(data.events, lambda one: CASE channel
                    WHEN 'l2_data' THEN one.updates IS NULL
                    WHEN 'market_trades' THEN one.trades IS NULL
                    WHEN 'ticker' THEN one.tickers IS NULL
                    ELSE one.candles IS NULL
                END)) > 0 THEN 'an event holds no list of what the channel ' || channel || ' tells'
        END AS reason
    FROM staged
)
WHERE reason IS NOT NULL
