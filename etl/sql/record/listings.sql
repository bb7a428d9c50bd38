INSERT INTO listings
SELECT
    nextval('listing_ids'),
    $dataset,
    unnest($symbol::VARCHAR[]),
    unnest($prefix::VARCHAR[]),
    unnest($from_key::VARCHAR[]),
    unnest($first_day::DATE[]),
    unnest($last_day::DATE[]),
    unnest($started_at::TIMESTAMP[]),
    unnest($ended_at::TIMESTAMP[]),
    unnest($complete::BOOLEAN[]),
    unnest($pages::INTEGER[]),
    unnest($objects::BIGINT[]),
    unnest($day_files::INTEGER[]),
    unnest($strangers::INTEGER[]),
    unnest($url::VARCHAR[]),
    unnest($status_code::INTEGER[]),
    unnest($error::VARCHAR[]),
    unnest($method::VARCHAR[])
RETURNING listing_id
