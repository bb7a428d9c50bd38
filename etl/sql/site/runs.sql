-- A file that can be read has no writer: whoever is still `running` in it was killed.
SELECT
    run_id,
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
    error,
    pid,
    host
FROM runs
ORDER BY run_id
