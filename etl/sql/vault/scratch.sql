-- What one segment becomes, before it is written as Parquet: a table a channel, rows in order of arrival.
-- Each table ends with `odd`: the column whose text is none of its type, NULL in rows that are as they should be.
-- Exact or NULL: a cast alone would round the 19th digit away, and take '1_000' and '1e-30'.
CREATE OR REPLACE TEMP MACRO exact(word) AS
    CASE WHEN regexp_full_match(word, '-?[0-9]{1,20}([.][0-9]{1,18})?') THEN TRY_CAST(word AS DECIMAL(38, 18)) END;

-- What is finer than a microsecond is cut off. 'infinity' and 'epoch' would be moments too.
CREATE OR REPLACE TEMP MACRO moment(word) AS
    CASE WHEN word BETWEEN '0' AND ':' THEN TRY_CAST(word AS TIMESTAMP WITH TIME ZONE) END;

-- A name that can be part of a path as it is; no system takes one of more than 255 bytes.
CREATE OR REPLACE TEMP MACRO name(word) AS
    CASE WHEN regexp_full_match(word, '[A-Za-z0-9][A-Za-z0-9._-]{0,99}') THEN word END;

CREATE TEMP TABLE rejected (line INTEGER, reason VARCHAR);
CREATE TEMP TABLE frames (channel VARCHAR, frames BIGINT);
