-- What `availability vault index` records beside the files of a day.
CREATE TABLE IF NOT EXISTS vault_days (
    dataset VARCHAR NOT NULL,
    symbol VARCHAR NOT NULL,
    date DATE NOT NULL,
    hours INTEGER NOT NULL,
    rows BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    parts INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    lost_messages BIGINT NOT NULL,
    breaks INTEGER NOT NULL,
    files_md5 VARCHAR NOT NULL
);
