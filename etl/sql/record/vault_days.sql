INSERT INTO vault_days
SELECT
    $dataset,
    $symbol,
    unnest($day::VARCHAR[])::DATE,
    unnest($hours::INTEGER[]),
    unnest($rows::BIGINT[]),
    unnest($bytes::BIGINT[]),
    unnest($parts::INTEGER[]),
    unnest($losses::INTEGER[]),
    unnest($lost_messages::BIGINT[]),
    unnest($breaks::INTEGER[]),
    unnest($files_md5::VARCHAR[])
