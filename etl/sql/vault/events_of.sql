-- The events of a channel's frames in the staged block; `first` is the position of an event's first row.
CREATE OR REPLACE TEMP MACRO events_of(wanted, before) AS TABLE
SELECT *, told.type = 'snapshot' AS is_snapshot, (place - 1) * 1000000 AS first
FROM (
    SELECT
        capture_ts, connection, sequence_num,
        moment(data.timestamp) AS frame_ts,
        before + rowid::INTEGER + 1 AS line,
        unnest(data.events) AS told,
        generate_subscripts(data.events, 1) AS place
    FROM staged
    WHERE channel = wanted AND event IS NULL
)
