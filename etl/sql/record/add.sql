-- Files seen for the first time; the anti-join keeps (dataset, symbol, date) unique.
INSERT INTO day_files
SELECT
    listing.dataset,
    listing.symbol,
    now.date,
    now.file_size_bytes,
    now.last_modified,
    now.etag,
    now.has_checksum,
    listing.started_at,
    listing.started_at,
    NULL
FROM staged AS now
INNER JOIN staged_listings AS listing ON now.listing_id = listing.listing_id
ANTI JOIN day_files AS file
    ON listing.dataset = file.dataset AND listing.symbol = file.symbol AND now.date = file.date
ORDER BY listing.symbol, now.date
