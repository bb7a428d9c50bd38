-- Files of the drafts before 0.1.0 all call themselves version 1, and lack one or the other of these.
ALTER TABLE warehouse ADD COLUMN IF NOT EXISTS views_sha256 VARCHAR;

ALTER TABLE listings ADD COLUMN IF NOT EXISTS method VARCHAR DEFAULT 'list';

ALTER TABLE listings ALTER method SET NOT NULL;

ALTER TABLE day_files ALTER has_checksum DROP NOT NULL;

ALTER TABLE day_files ALTER last_modified TYPE TIMESTAMP_S;

CREATE TABLE IF NOT EXISTS runs (
    run_id VARCHAR NOT NULL,
    command VARCHAR NOT NULL,
    arguments VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    outcome VARCHAR NOT NULL,
    asked INTEGER,
    recorded INTEGER,
    requests INTEGER,
    added INTEGER,
    changed INTEGER,
    vanished INTEGER,
    returned INTEGER,
    failures INTEGER,
    error VARCHAR,
    pid INTEGER NOT NULL,
    host VARCHAR NOT NULL
);
