-- The published SQLite file. Table and column names are a contract; more columns may follow these.
-- No REFERENCES on symbol: Datasette would turn the symbols of its JSON and CSV into labels.

CREATE TABLE symbols (
    symbol TEXT PRIMARY KEY,
    symbol_id INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    looked_through TEXT
);

-- Held days, lean: 82 MB for 900,000 days, index included, where symbol, time and etag as text take 150 MB.
CREATE TABLE day_file_codes (
    symbol_id INTEGER NOT NULL REFERENCES symbols (symbol_id),
    date TEXT NOT NULL,
    file_size_bytes INTEGER NOT NULL,
    last_modified INTEGER NOT NULL, -- seconds since 1970
    etag BLOB NOT NULL,             -- 16 bytes; text where it is no plain MD5
    has_checksum INTEGER NOT NULL,
    PRIMARY KEY (symbol_id, date)
) WITHOUT ROWID;

CREATE VIEW day_files AS
SELECT
    symbols.symbol,
    codes.date,
    codes.file_size_bytes,
    strftime('%Y-%m-%dT%H:%M:%SZ', codes.last_modified, 'unixepoch') AS last_modified,
    CASE typeof(codes.etag) WHEN 'blob' THEN lower(hex(codes.etag)) ELSE codes.etag END AS etag,
    codes.has_checksum
FROM day_file_codes AS codes
INNER JOIN symbols ON codes.symbol_id = symbols.symbol_id;

CREATE TABLE extents (
    symbol TEXT PRIMARY KEY,
    earliest TEXT NOT NULL,
    latest TEXT NOT NULL,
    days_held INTEGER NOT NULL,
    days_missing INTEGER NOT NULL,
    timespan_count INTEGER NOT NULL,
    longest_gap INTEGER NOT NULL,
    completeness REAL NOT NULL,
    bytes INTEGER NOT NULL
);

CREATE TABLE timespans (
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    days INTEGER NOT NULL,
    PRIMARY KEY (symbol, first_day)
);

CREATE TABLE gaps (
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    days INTEGER NOT NULL,
    PRIMARY KEY (symbol, first_day)
);

CREATE TABLE daily_counts (
    date TEXT PRIMARY KEY,
    files INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);

CREATE TABLE build (
    build_id TEXT PRIMARY KEY,
    built_at TEXT NOT NULL,
    today TEXT NOT NULL,
    source TEXT NOT NULL,
    files_url TEXT NOT NULL,
    dataset TEXT NOT NULL,
    symbols INTEGER NOT NULL,
    day_files INTEGER NOT NULL,
    gap_days INTEGER NOT NULL,
    first_day TEXT,
    last_day TEXT,
    looked_through TEXT,
    listings INTEGER NOT NULL,
    newest_listing_at TEXT NOT NULL,
    failed_symbols INTEGER NOT NULL,
    content_sha256 TEXT NOT NULL,
    code_version TEXT NOT NULL,
    license TEXT NOT NULL,
    attribution TEXT NOT NULL
);
