-- Append-only: what is asked twice stands here twice.
INSERT INTO probes
SELECT
    $dataset,
    unnest($symbols::VARCHAR[]),
    unnest($days::DATE[]),
    unnest($urls::VARCHAR[]),
    unnest($asked_at::TIMESTAMP[]),
    unnest($statuses::INTEGER[]),
    unnest($sizes::VARCHAR[])::BIGINT,
    unnest($last_modified::VARCHAR[])::TIMESTAMP,
    unnest($etags::VARCHAR[]),
    unnest($errors::VARCHAR[])
