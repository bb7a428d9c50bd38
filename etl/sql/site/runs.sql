-- A file that can be read has no writer: whoever is still `running` in it was killed. Machine and process are nobody's
-- business, nor is the process at the end of the ids that older versions gave.
SELECT
    regexp_replace(run_id, '-\d+$', '') AS run_id,
    command,
    arguments,
    strftime(started_at, '%Y-%m-%dT%H:%M:%SZ') AS started_at,
    strftime(ended_at, '%Y-%m-%dT%H:%M:%SZ') AS ended_at,
    replace(outcome, 'running', 'died') AS outcome,
    asked,
    recorded,
    requests,
    added,
    changed,
    vanished,
    returned,
    failures,
    error
FROM runs
ORDER BY runs.run_id
