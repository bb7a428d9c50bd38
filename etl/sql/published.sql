-- The published SQLite file. Table and column names are a contract; more columns may follow these.
-- No REFERENCES: Datasette would turn the symbols of its JSON and CSV into labels, and link symbol_id to no row.

CREATE TABLE symbols (
    symbol TEXT NOT NULL,
    symbol_id INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    first_seen_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    looked_through TEXT,
    looked_from TEXT,
    file_url_stem TEXT NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol),
    UNIQUE (symbol, dataset) -- for who looks up the files of a symbol and names no dataset
);

-- Held days, lean: with symbol and condition as codes 900,000 days take 94 MB, all as text 150 MB.
CREATE TABLE day_file_codes (
    symbol_id INTEGER NOT NULL, -- of symbols
    date TEXT NOT NULL,
    file_size_bytes INTEGER NOT NULL,
    has_checksum INTEGER,        -- NULL = unknown
    state INTEGER NOT NULL,      -- 0 available, 1 available and flat, 2 no_checksum, 3 small_file; 0 and 1 cost no byte
    last_modified TEXT NOT NULL, -- this and the etag are left out of the index by date, and looked up here
    etag TEXT NOT NULL,
    PRIMARY KEY (symbol_id, date)
) WITHOUT ROWID;

CREATE VIEW day_files AS
SELECT
    symbols.symbol,
    codes.date,
    codes.file_size_bytes,
    codes.last_modified,
    codes.etag,
    codes.has_checksum,
    CASE WHEN codes.state < 2 THEN 'available' ELSE 'degraded' END AS condition,
    CASE codes.state WHEN 1 THEN 'flat' WHEN 2 THEN 'no_checksum' WHEN 3 THEN 'small_file' END AS reason,
    symbols.dataset
FROM day_file_codes AS codes
INNER JOIN symbols ON codes.symbol_id = symbols.symbol_id;

CREATE TABLE datasets (
    dataset TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    first_day TEXT,
    last_day TEXT,
    looked_through TEXT,
    symbols INTEGER NOT NULL,
    day_files INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    is_default INTEGER NOT NULL
);

-- What only the vault tells of a day: its files are in day_files like any others.
CREATE TABLE vault_days (
    symbol TEXT NOT NULL,
    date TEXT NOT NULL,
    hours INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    lost_messages INTEGER NOT NULL,
    breaks INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, date)
);

CREATE TABLE extents (
    symbol TEXT NOT NULL,
    earliest TEXT NOT NULL,
    latest TEXT NOT NULL,
    days_held INTEGER NOT NULL,
    days_missing INTEGER NOT NULL,
    timespan_count INTEGER NOT NULL,
    longest_gap INTEGER NOT NULL,
    completeness REAL NOT NULL,
    bytes INTEGER NOT NULL,
    flat_days INTEGER NOT NULL,
    degraded_days INTEGER NOT NULL,
    last_traded_day TEXT,
    looked_through TEXT,
    state TEXT NOT NULL,
    listed_day TEXT,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol)
);

CREATE TABLE timespans (
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    days INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, first_day)
);

CREATE TABLE gaps (
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    days INTEGER NOT NULL,
    reason TEXT NOT NULL,
    listing_id INTEGER NOT NULL,
    looked_at TEXT NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, first_day)
);

CREATE TABLE absences (
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    days INTEGER NOT NULL,
    condition TEXT,
    reason TEXT NOT NULL,
    listing_id INTEGER,
    looked_at TEXT,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, first_day)
);

CREATE TABLE covered (
    symbol TEXT NOT NULL,
    first_day TEXT,
    last_day TEXT NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, last_day)
);

CREATE TABLE lives (
    ticker TEXT NOT NULL,
    life INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    first_day TEXT NOT NULL,
    last_day TEXT NOT NULL,
    last_traded_day TEXT,
    days_held INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, ticker, life)
);

CREATE TABLE daily_counts (
    date TEXT NOT NULL,
    files INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    listed INTEGER NOT NULL,
    available INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    flat INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    completeness REAL,
    not_looked INTEGER NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, date)
);

CREATE TABLE revisions (
    symbol TEXT NOT NULL,
    date TEXT NOT NULL,
    change TEXT NOT NULL,
    detected_at TEXT NOT NULL,
    listing_id INTEGER NOT NULL,
    old_file_size_bytes INTEGER NOT NULL,
    old_last_modified TEXT NOT NULL,
    old_etag TEXT NOT NULL,
    new_file_size_bytes INTEGER,
    new_last_modified TEXT,
    new_etag TEXT,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, symbol, date, listing_id)
);

CREATE TABLE freshness (
    date TEXT NOT NULL,
    files INTEGER NOT NULL,
    median_lag_hours REAL NOT NULL,
    p95_lag_hours REAL NOT NULL,
    dataset TEXT NOT NULL,
    PRIMARY KEY (dataset, date)
);

CREATE TABLE events (
    date TEXT NOT NULL,
    symbol TEXT,
    event TEXT NOT NULL,
    detail TEXT,
    watched INTEGER NOT NULL,
    dataset TEXT NOT NULL
);

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT NOT NULL,
    asked INTEGER,
    recorded INTEGER,
    requests INTEGER,
    added INTEGER,
    changed INTEGER,
    vanished INTEGER,
    returned INTEGER,
    failures INTEGER,
    error TEXT
);

CREATE TABLE findings (
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    symbol TEXT,
    first_day TEXT,
    last_day TEXT,
    detail TEXT NOT NULL,
    dataset TEXT NOT NULL
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
