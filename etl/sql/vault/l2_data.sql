-- A row for each level of each update.
INSERT INTO l2_data BY NAME
SELECT
    capture_ts, connection, sequence_num, frame_ts, is_snapshot, product_id,
    moment(level.event_time) AS event_time,
    level.side AS side,
    exact(level.price_level) AS price_level,
    exact(level.new_quantity) AS new_quantity,
    line, position,
    CASE
        WHEN product_id IS NULL THEN 'product_id'
        WHEN is_snapshot IS NULL THEN 'type'
        WHEN event_time IS NULL THEN 'event_time'
        WHEN side IS NULL THEN 'side'
        WHEN price_level IS NULL THEN 'price_level'
        WHEN new_quantity IS NULL THEN 'new_quantity'
    END AS odd
FROM (
    SELECT
        * EXCLUDE (told, first),
        name(told.product_id) AS product_id,
        unnest(told.updates) AS level,
        (first + generate_subscripts(told.updates, 1) - 1)::INTEGER AS position
    FROM events_of('l2_data', $before::INTEGER)
)
