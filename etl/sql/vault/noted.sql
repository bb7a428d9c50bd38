-- Notes of one day, from all files that have any.
CREATE OR REPLACE TEMP TABLE noted (segment VARCHAR, line BIGINT, event VARCHAR, lost HUGEINT)
