-- FACTS: what a listing or a probe said, and when. Times are UTC, days are UTC days.
-- No primary keys and no indexes: they cost tens of megabytes here; uniqueness is kept by
-- anti-joins when recording and asserted by the tests.

CREATE TABLE IF NOT EXISTS warehouse (
    schema_version INTEGER NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS archives (
    dataset VARCHAR NOT NULL,
    listing_url VARCHAR NOT NULL,
    files_url VARCHAR NOT NULL
);

CREATE SEQUENCE IF NOT EXISTS listing_ids;

CREATE TABLE IF NOT EXISTS listings (
    listing_id BIGINT NOT NULL,
    dataset VARCHAR NOT NULL,
    symbol VARCHAR,
    prefix VARCHAR NOT NULL,
    from_key VARCHAR NOT NULL,
    first_day DATE,
    last_day DATE,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP NOT NULL,
    complete BOOLEAN NOT NULL,
    pages INTEGER,
    objects BIGINT,
    day_files INTEGER,
    strangers INTEGER,
    url VARCHAR,
    status_code INTEGER,
    error VARCHAR
);

CREATE TABLE IF NOT EXISTS symbols (
    dataset VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    base VARCHAR NOT NULL,
    quote VARCHAR NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS day_files (
    dataset VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    date DATE NOT NULL,
    file_size_bytes BIGINT NOT NULL,
    last_modified TIMESTAMP NOT NULL,
    etag VARCHAR NOT NULL,
    has_checksum BOOLEAN NOT NULL,
    first_seen_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL,
    vanished_at TIMESTAMP
);

CREATE TABLE IF NOT EXISTS revisions (
    dataset VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    date DATE NOT NULL,
    change VARCHAR NOT NULL,
    detected_at TIMESTAMP NOT NULL,
    listing_id BIGINT NOT NULL,
    old_file_size_bytes BIGINT NOT NULL,
    old_last_modified TIMESTAMP NOT NULL,
    old_etag VARCHAR NOT NULL,
    new_file_size_bytes BIGINT,
    new_last_modified TIMESTAMP,
    new_etag VARCHAR
);

CREATE TABLE IF NOT EXISTS strangers (
    dataset VARCHAR NOT NULL,
    prefix VARCHAR NOT NULL,
    key VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    file_size_bytes BIGINT,
    last_modified TIMESTAMP,
    etag VARCHAR,
    first_seen_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);

CREATE TABLE IF NOT EXISTS probes (
    dataset VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    date DATE NOT NULL,
    url VARCHAR NOT NULL,
    probed_at TIMESTAMP NOT NULL,
    status_code INTEGER,
    file_size_bytes BIGINT,
    last_modified TIMESTAMP,
    etag VARCHAR,
    error VARCHAR
);
