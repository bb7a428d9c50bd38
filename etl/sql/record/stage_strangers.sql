-- A stranger seen again keeps when it was first seen; a new one is added by strangers.sql.
CREATE OR REPLACE TEMP TABLE staged_strangers AS
SELECT
    $dataset AS dataset,
    unnest($prefixes::VARCHAR[]) AS prefix,
    unnest($keys::VARCHAR[]) AS key,
    unnest($reasons::VARCHAR[]) AS reason,
    unnest($sizes::VARCHAR[])::BIGINT AS file_size_bytes,
    unnest($last_modified::VARCHAR[])::TIMESTAMP AS last_modified,
    unnest($etags::VARCHAR[]) AS etag,
    unnest($seen_at::TIMESTAMP[]) AS seen_at
