-- A row for each candle. One that is still running comes again with each change.
INSERT INTO candles BY NAME
SELECT
    capture_ts, connection, sequence_num, frame_ts, is_snapshot,
    name(candle.product_id) AS product_id,
    to_timestamp(CASE WHEN regexp_full_match(candle.start, '[0-9]{1,11}') THEN TRY_CAST(candle.start AS BIGINT) END) AS start,
    exact(candle.open) AS open,
    exact(candle.high) AS high,
    exact(candle.low) AS low,
    exact(candle.close) AS close,
    exact(candle.volume) AS volume,
    line, position,
    CASE
        WHEN product_id IS NULL THEN 'product_id'
        WHEN is_snapshot IS NULL THEN 'type'
        WHEN start IS NULL THEN 'start'
        WHEN open IS NULL THEN 'open'
        WHEN high IS NULL THEN 'high'
        WHEN low IS NULL THEN 'low'
        WHEN close IS NULL THEN 'close'
        WHEN volume IS NULL THEN 'volume'
    END AS odd
FROM (
    SELECT
        * EXCLUDE (told, first),
        unnest(told.candles) AS candle,
        (first + generate_subscripts(told.candles, 1) - 1)::INTEGER AS position
    FROM events_of('candles', $before::INTEGER)
)
