UPDATE strangers
SET
    reason = now.reason,
    file_size_bytes = now.file_size_bytes,
    last_modified = now.last_modified,
    etag = now.etag,
    last_seen_at = now.seen_at
FROM staged_strangers AS now
WHERE strangers.dataset = now.dataset AND strangers.key = now.key;

INSERT INTO strangers
SELECT now.dataset, now.prefix, now.key, now.reason, now.file_size_bytes, now.last_modified, now.etag, now.seen_at, now.seen_at
FROM staged_strangers AS now
ANTI JOIN strangers ON now.dataset = strangers.dataset AND now.key = strangers.key;

DROP TABLE staged_strangers;
