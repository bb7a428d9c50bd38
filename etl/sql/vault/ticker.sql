-- A row for each ticker, with what follows from its best bid and ask. Only price and product are always told.
INSERT INTO ticker BY NAME
SELECT
    capture_ts, connection, sequence_num, frame_ts, is_snapshot,
    name(ticker.product_id) AS product_id,
    exact(ticker.price) AS price,
    exact(ticker.best_bid) AS best_bid,
    exact(ticker.best_bid_quantity) AS best_bid_quantity,
    exact(ticker.best_ask) AS best_ask,
    exact(ticker.best_ask_quantity) AS best_ask_quantity,
    TRY(CAST((best_bid + best_ask) * 0.5 AS DECIMAL(38, 18))) AS mid,
    TRY(best_ask - best_bid) AS spread,
    spread::DOUBLE / nullif(mid::DOUBLE, 0) * 10000 AS spread_bps,
    exact(ticker.volume_24_h) AS volume_24_h,
    exact(ticker.low_24_h) AS low_24_h,
    exact(ticker.high_24_h) AS high_24_h,
    exact(ticker.low_52_w) AS low_52_w,
    exact(ticker.high_52_w) AS high_52_w,
    exact(ticker.price_percent_chg_24_h) AS price_percent_chg_24_h,
    line, position,
    CASE
        WHEN product_id IS NULL THEN 'product_id'
        WHEN is_snapshot IS NULL THEN 'type'
        WHEN price IS NULL THEN 'price'
        WHEN best_bid IS NULL AND ticker.best_bid <> '' THEN 'best_bid'
        WHEN best_bid_quantity IS NULL AND ticker.best_bid_quantity <> '' THEN 'best_bid_quantity'
        WHEN best_ask IS NULL AND ticker.best_ask <> '' THEN 'best_ask'
        WHEN best_ask_quantity IS NULL AND ticker.best_ask_quantity <> '' THEN 'best_ask_quantity'
        WHEN volume_24_h IS NULL AND ticker.volume_24_h <> '' THEN 'volume_24_h'
        WHEN low_24_h IS NULL AND ticker.low_24_h <> '' THEN 'low_24_h'
        WHEN high_24_h IS NULL AND ticker.high_24_h <> '' THEN 'high_24_h'
        WHEN low_52_w IS NULL AND ticker.low_52_w <> '' THEN 'low_52_w'
        WHEN high_52_w IS NULL AND ticker.high_52_w <> '' THEN 'high_52_w'
        WHEN price_percent_chg_24_h IS NULL AND ticker.price_percent_chg_24_h <> '' THEN 'price_percent_chg_24_h'
    END AS odd
FROM (
    SELECT
        * EXCLUDE (told, first),
        unnest(told.tickers) AS ticker,
        (first + generate_subscripts(told.tickers, 1) - 1)::INTEGER AS position
    FROM events_of('ticker', $before::INTEGER)
)
