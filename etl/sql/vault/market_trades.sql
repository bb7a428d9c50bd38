-- A row for each trade.
INSERT INTO market_trades BY NAME
SELECT
    capture_ts, connection, sequence_num, frame_ts, is_snapshot,
    name(trade.product_id) AS product_id,
    CASE WHEN regexp_full_match(trade.trade_id, '[0-9]+') THEN TRY_CAST(trade.trade_id AS BIGINT) END AS trade_id,
    moment(trade.time) AS event_time,
    trade.side AS side,
    exact(trade.price) AS price,
    exact(trade.size) AS size,
    line, position,
    CASE
        WHEN product_id IS NULL THEN 'product_id'
        WHEN is_snapshot IS NULL THEN 'type'
        WHEN trade_id IS NULL THEN 'trade_id'
        WHEN event_time IS NULL THEN 'time'
        WHEN side IS NULL THEN 'side'
        WHEN price IS NULL THEN 'price'
        WHEN size IS NULL THEN 'size'
    END AS odd
FROM (
    SELECT
        * EXCLUDE (told, first),
        unnest(told.trades) AS trade,
        (first + generate_subscripts(told.trades, 1) - 1)::INTEGER AS position
    FROM events_of('market_trades', $before::INTEGER)
)
