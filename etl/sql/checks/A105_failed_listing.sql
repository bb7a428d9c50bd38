WITH newest AS (
    SELECT
        symbol,
        arg_max(complete, listing_id) AS complete,
        arg_max_null(first_day, listing_id) AS first_day,
        arg_max_null(last_day, listing_id) AS last_day,
        arg_max(started_at, listing_id) AS started_at,
        arg_max_null(status_code, listing_id) AS status_code,
        arg_max_null(error, listing_id) AS error,
        arg_max_null(url, listing_id) AS url
    FROM listings
    WHERE dataset = $dataset
    GROUP BY symbol
)

SELECT
    symbol,
    first_day,
    last_day,
    strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') || ': ' || coalesce('HTTP ' || status_code || ', ', '')
    || coalesce(error, '') || coalesce(' (' || url || ')', '') AS detail
FROM newest
WHERE NOT complete
