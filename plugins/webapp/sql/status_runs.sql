SELECT run_id, command, started_at, ended_at, outcome, asked, recorded, requests, added, changed, vanished, failures, error
FROM runs
ORDER BY started_at DESC, run_id DESC
LIMIT :limit
