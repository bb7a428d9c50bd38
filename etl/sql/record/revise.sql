-- What moved between the facts held so far and the listings just staged. Append-only.
CREATE OR REPLACE TEMP TABLE moved AS
SELECT
    file.dataset,
    file.symbol,
    file.date,
    CASE
        WHEN now.date IS NULL THEN 'vanished'
        WHEN file.vanished_at IS NOT NULL THEN 'returned'
        WHEN now.etag <> file.etag OR now.file_size_bytes <> file.file_size_bytes THEN 'changed'
        WHEN now.last_modified <> file.last_modified THEN 'touched'
        ELSE 'checksum'
    END AS change,
    listing.started_at AS detected_at,
    listing.listing_id,
    file.file_size_bytes AS old_file_size_bytes,
    file.last_modified AS old_last_modified,
    file.etag AS old_etag,
    now.file_size_bytes AS new_file_size_bytes,
    now.last_modified AS new_last_modified,
    now.etag AS new_etag,
    CASE -- a HEAD does not tell, and of another upload the old checksum says nothing
        WHEN
            now.has_checksum IS NULL
            AND file.vanished_at IS NULL
            AND now.etag = file.etag
            AND now.file_size_bytes = file.file_size_bytes
            THEN file.has_checksum
        ELSE now.has_checksum
    END AS has_checksum,
    file.first_seen_at
FROM day_files AS file
INNER JOIN staged_listings AS listing
    ON file.dataset = listing.dataset
    AND file.symbol = listing.symbol
    AND file.date BETWEEN listing.first_day AND listing.last_day
LEFT JOIN staged AS now ON listing.listing_id = now.listing_id AND file.date = now.date
WHERE
    (now.date IS NULL AND file.vanished_at IS NULL)
    OR (now.date IS NOT NULL AND file.vanished_at IS NOT NULL)
    OR now.etag <> file.etag
    OR now.file_size_bytes <> file.file_size_bytes
    OR now.last_modified <> file.last_modified
    OR (now.has_checksum IS NOT NULL AND now.has_checksum IS DISTINCT FROM file.has_checksum);

INSERT INTO revisions
SELECT * EXCLUDE (has_checksum, first_seen_at) FROM moved WHERE change <> 'checksum';

-- Deleted and added anew: an UPDATE of five columns writes every block that holds one of the rows, takes
-- four times as long and grows the file by 20 MB.
DELETE FROM day_files
USING moved
WHERE
    day_files.dataset = moved.dataset
    AND day_files.symbol = moved.symbol
    AND day_files.date = moved.date
    AND moved.change <> 'vanished';

INSERT INTO day_files
SELECT
    dataset,
    symbol,
    date,
    new_file_size_bytes,
    new_last_modified,
    new_etag,
    has_checksum,
    first_seen_at,
    detected_at,
    NULL
FROM moved
WHERE change <> 'vanished';

UPDATE day_files
SET vanished_at = moved.detected_at
FROM moved
WHERE
    day_files.dataset = moved.dataset
    AND day_files.symbol = moved.symbol
    AND day_files.date = moved.date
    AND moved.change = 'vanished';

UPDATE day_files
SET last_seen_at = listing.started_at
FROM staged_listings AS listing
WHERE
    day_files.dataset = listing.dataset
    AND day_files.symbol = listing.symbol
    AND day_files.date BETWEEN listing.first_day AND listing.last_day
    AND day_files.vanished_at IS NULL;
