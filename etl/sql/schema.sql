-- FACTS: what a listing or a probe said, and when. Times are UTC, days are UTC days.
-- No primary keys and no indexes: they cost tens of megabytes here; uniqueness is kept by
-- anti-joins when recording and asserted by the tests.

-- Version of this file's tables.
CREATE TABLE IF NOT EXISTS warehouse (
    schema_version INTEGER NOT NULL, -- Version of these tables.
    created_at TIMESTAMP NOT NULL, -- When the file was made.
    views_sha256 VARCHAR, -- SHA-256 of the views in it.
    folded_listings BIGINT NOT NULL DEFAULT 0 -- Complete listings that `compact` has taken out, as nothing rests on them.
);

-- Where each dataset was last listed and lies.
CREATE TABLE IF NOT EXISTS archives (
    dataset VARCHAR NOT NULL, -- Market, data type and interval, `um/klines/1m`.
    listing_url VARCHAR NOT NULL, -- Address at which the bucket is listed.
    files_url VARCHAR NOT NULL -- Address below which its files lie.
);

CREATE SEQUENCE IF NOT EXISTS listing_ids;

-- Every listing ever asked for, complete or not, but for those that `compact` has folded. Append-only.
CREATE TABLE IF NOT EXISTS listings (
    listing_id BIGINT NOT NULL, -- Number of the listing.
    dataset VARCHAR NOT NULL, -- Dataset.
    symbol VARCHAR, -- Symbol; NULL for a listing of the symbol level.
    prefix VARCHAR NOT NULL, -- Prefix asked for.
    from_key VARCHAR NOT NULL, -- start-after sent to the bucket; empty = none.
    first_day DATE, -- First day it covers; NULL = everything before last_day.
    last_day DATE, -- Last day it covers.
    started_at TIMESTAMP NOT NULL, -- When it began: the moment its facts are true of.
    ended_at TIMESTAMP NOT NULL, -- When it ended.
    complete BOOLEAN NOT NULL, -- TRUE where every page came and was verified; only then it covers its days.
    pages INTEGER, -- Requests it took.
    objects BIGINT, -- Names it listed.
    day_files INTEGER, -- Day files among them.
    strangers INTEGER, -- Names that are no day file.
    url VARCHAR, -- Address of its first page, or of the one that failed.
    status_code INTEGER, -- HTTP status, NULL where no answer came.
    error VARCHAR, -- Why it is not complete.
    method VARCHAR NOT NULL DEFAULT 'list' -- list, head (a HEAD of each file, pages counts them) or aws-cli (pages counts commands).
);

-- Every symbol ever enumerated. Merge only.
CREATE TABLE IF NOT EXISTS symbols (
    dataset VARCHAR NOT NULL, -- Dataset.
    symbol VARCHAR NOT NULL, -- Name as the archive writes it.
    kind VARCHAR NOT NULL, -- perpetual, delivery or settled, by the name alone.
    base VARCHAR NOT NULL, -- What is traded.
    quote VARCHAR NOT NULL, -- What it is priced in; empty where the name does not tell.
    first_seen_at TIMESTAMP NOT NULL, -- Start of the first listing of the symbol level that showed it.
    last_seen_at TIMESTAMP NOT NULL -- Start of the newest one that did.
);

-- One row a dataset, symbol and day whose file was ever listed.
CREATE TABLE IF NOT EXISTS day_files (
    dataset VARCHAR NOT NULL, -- Dataset.
    symbol VARCHAR NOT NULL, -- Symbol.
    date DATE NOT NULL, -- UTC day the file covers.
    file_size_bytes BIGINT NOT NULL, -- Size of the zip.
    last_modified TIMESTAMP_S NOT NULL, -- S3's LastModified of the zip, whole seconds as S3 lists it: 3 MB less.
    etag VARCHAR NOT NULL, -- ETag without quotes.
    has_checksum BOOLEAN, -- KEY.CHECKSUM lies beside the zip; NULL = unknown, only a listing tells.
    first_seen_at TIMESTAMP NOT NULL, -- Start of the first listing that showed it.
    last_seen_at TIMESTAMP NOT NULL, -- Start of the newest complete listing that showed it.
    vanished_at TIMESTAMP -- Start of the listing that showed it gone; NULL while it is there.
);

-- What moved after it was first seen. Append-only.
CREATE TABLE IF NOT EXISTS revisions (
    dataset VARCHAR NOT NULL, -- Dataset.
    symbol VARCHAR NOT NULL, -- Symbol.
    date DATE NOT NULL, -- UTC day of the file.
    change VARCHAR NOT NULL, -- changed (etag or size), touched (only last_modified), vanished or returned.
    detected_at TIMESTAMP NOT NULL, -- Start of the listing that showed it.
    listing_id BIGINT NOT NULL, -- That listing.
    old_file_size_bytes BIGINT NOT NULL, -- Before.
    old_last_modified TIMESTAMP NOT NULL, -- Before.
    old_etag VARCHAR NOT NULL, -- Before.
    new_file_size_bytes BIGINT, -- After; NULL where vanished.
    new_last_modified TIMESTAMP, -- After; NULL where vanished.
    new_etag VARCHAR -- After; NULL where vanished.
);

-- Names that are no day file of the place they lie in.
CREATE TABLE IF NOT EXISTS strangers (
    dataset VARCHAR NOT NULL, -- Dataset.
    prefix VARCHAR NOT NULL, -- Prefix under which it was listed.
    key VARCHAR NOT NULL, -- The whole key.
    reason VARCHAR NOT NULL, -- Why it is no day file.
    file_size_bytes BIGINT, -- Size; NULL for a folder.
    last_modified TIMESTAMP, -- S3's LastModified; NULL for a folder.
    etag VARCHAR, -- ETag; NULL for a folder.
    first_seen_at TIMESTAMP NOT NULL, -- When it was first seen.
    last_seen_at TIMESTAMP NOT NULL -- When it was last seen.
);

-- Every HTTP question about a single file. Append-only.
CREATE TABLE IF NOT EXISTS probes (
    dataset VARCHAR NOT NULL, -- Dataset.
    symbol VARCHAR NOT NULL, -- Symbol.
    date DATE NOT NULL, -- UTC day.
    url VARCHAR NOT NULL, -- Address asked.
    probed_at TIMESTAMP NOT NULL, -- When.
    status_code INTEGER, -- HTTP status: 200 there, 404 not there; NULL where no answer came.
    file_size_bytes BIGINT, -- Content-Length; NULL where absent or 0.
    last_modified TIMESTAMP, -- Last-Modified.
    etag VARCHAR, -- ETag without quotes.
    error VARCHAR -- Why the answer tells nothing of the file; NULL for a whole 200 and for a 404 that is believed.
);

-- What the vault held of a product on a day when it was last indexed; beside `day_files`, which says when it was seen.
CREATE TABLE IF NOT EXISTS vault_days (
    dataset VARCHAR NOT NULL, -- Dataset, `coinbase/` and the channel.
    symbol VARCHAR NOT NULL, -- Product.
    date DATE NOT NULL, -- UTC day of capture.
    hours INTEGER NOT NULL, -- Hours of it with a record.
    rows BIGINT NOT NULL, -- Records.
    bytes BIGINT NOT NULL, -- Size of its Parquet files.
    parts INTEGER NOT NULL, -- Number of its Parquet files.
    losses INTEGER NOT NULL, -- Jumps of sequence_num on that day, whichever products they hit: nobody knows.
    lost_messages BIGINT NOT NULL, -- Messages lost in them.
    breaks INTEGER NOT NULL, -- Connections of that day that ended unwanted.
    files_md5 VARCHAR NOT NULL -- MD5 of names and sizes of all files that this was read from.
);

-- Every run of a command that writes here. A killed one leaves `running`; the next, which alone may write, says died.
CREATE TABLE IF NOT EXISTS runs (
    run_id VARCHAR NOT NULL, -- Its start, sorts by time.
    command VARCHAR NOT NULL, -- discover, backfill, update, ...
    arguments VARCHAR NOT NULL, -- What was given on the command line or by the environment, as JSON; no paths.
    started_at TIMESTAMP NOT NULL, -- When it began.
    ended_at TIMESTAMP, -- When it ended; NULL while running, and where it died.
    outcome VARCHAR NOT NULL, -- running, done, failed, interrupted or died.
    asked INTEGER, -- Listings it wanted; NULL, here and below, where it did not come to count.
    recorded INTEGER, -- Listings that completed and were recorded.
    requests INTEGER, -- Requests they took.
    added INTEGER, -- Day files never seen before.
    changed INTEGER, -- Day files with another size or etag.
    vanished INTEGER, -- Day files that are gone.
    returned INTEGER, -- Day files that are back.
    failures INTEGER, -- Listings that failed; each is a row of `listings` from the time of this run.
    error VARCHAR, -- The sentence the run ended with; NULL where all went well.
    pid INTEGER NOT NULL, -- Its process.
    host VARCHAR NOT NULL -- The machine it ran on.
);
