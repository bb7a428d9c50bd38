-- One block of lines, read once for all channels. A line that is none becomes a row of NULLs: rowid counts lines.
-- No folder is of a day before the year 1 or after 9999.
CREATE OR REPLACE TEMP TABLE staged AS
SELECT * REPLACE (CASE WHEN moment(capture_ts) BETWEEN '0001-01-01' AND '9999-12-31' THEN moment(capture_ts) END AS capture_ts)
FROM read_json(
    $path,
    format = 'newline_delimited',
    ignore_errors = true,
    maximum_object_size = $longest,
    columns = {
        capture_ts: 'VARCHAR',
        connection: 'VARCHAR',
        sequence_num: 'BIGINT',
        channel: 'VARCHAR',
        event: 'VARCHAR',
        data: 'STRUCT(
            "timestamp" VARCHAR,
            events STRUCT(
                "type" VARCHAR,
                product_id VARCHAR,
                updates STRUCT(side VARCHAR, event_time VARCHAR, price_level VARCHAR, new_quantity VARCHAR)[],
                trades STRUCT(
                    product_id VARCHAR, trade_id VARCHAR, price VARCHAR, "size" VARCHAR, "time" VARCHAR, side VARCHAR
                )[],
                tickers STRUCT(
                    product_id VARCHAR, price VARCHAR, volume_24_h VARCHAR, low_24_h VARCHAR, high_24_h VARCHAR,
                    low_52_w VARCHAR, high_52_w VARCHAR, price_percent_chg_24_h VARCHAR, best_bid VARCHAR,
                    best_ask VARCHAR, best_bid_quantity VARCHAR, best_ask_quantity VARCHAR
                )[],
                candles STRUCT(
                    product_id VARCHAR, "start" VARCHAR, "open" VARCHAR, high VARCHAR, low VARCHAR, "close" VARCHAR,
                    volume VARCHAR
                )[]
            )[]
        )'
    }
)
