-- What happened to symbols and to the market, by the day on which it did: listed (not where nobody looked at the day
-- before the first file), ended (the first day known to have no file), came_back, turned_flat, settled (the last day of
-- a SETTLED folder), relisted, market_gap, and revision_burst (view revision_bursts). `watched`: after the first complete
-- look at the dataset, or at the symbol where it had been known by name since the beginning; a SETTLED folder was
-- watched where its name was new. What is not watched is history, and never new.
WITH looks AS (
    SELECT dataset, symbol, greatest(last_day, started_at::DATE - 1) AS last_day, started_at, listing_id
    FROM listings
    WHERE complete AND symbol IS NOT NULL
),

beginnings AS (
    SELECT dataset, arg_min(last_day, (started_at, listing_id)) AS last_day
    FROM looks
    GROUP BY dataset
),

watches AS (
    SELECT
        symbols.dataset,
        symbols.symbol,
        symbols.first_seen_at > first_value(symbols.first_seen_at) OVER everyone AS was_new,
        CASE
            WHEN symbols.first_seen_at > first_value(symbols.first_seen_at) OVER everyone THEN beginnings.last_day
            ELSE firsts.last_day
        END AS since
    FROM symbols
    INNER JOIN beginnings ON symbols.dataset = beginnings.dataset
    LEFT JOIN (
        SELECT dataset, symbol, arg_min(last_day, (started_at, listing_id)) AS last_day
        FROM looks
        GROUP BY dataset, symbol
    ) AS firsts
        ON symbols.dataset = firsts.dataset AND symbols.symbol = firsts.symbol
    WINDOW everyone AS (PARTITION BY symbols.dataset ORDER BY symbols.first_seen_at)
),

held AS (
    SELECT
        dataset,
        symbol,
        min(date) AS earliest,
        max(date) AS latest,
        regexp_replace(symbol, '_?(SETTLED)+$', '') AS ticker
    FROM day_files -- vanished ones too: a file that is gone does not move the day on which its symbol was listed
    GROUP BY dataset, symbol
),

absent AS MATERIALIZED (SELECT * FROM absences),

lived AS MATERIALIZED (SELECT * FROM lives),

breaks AS (
    SELECT holes.dataset, holes.symbol, max(holes.last_day) + 1 AS date, sum(absences.days) AS days
    FROM (SELECT dataset, symbol, hole, max(last_day) AS last_day FROM holes WHERE inside GROUP BY ALL) AS holes
    INNER JOIN absent AS absences
        ON holes.dataset = absences.dataset
        AND holes.symbol = absences.symbol
        AND absences.first_day BETWEEN holes.hole AND holes.last_day
    WHERE absences.reason = 'symbol_gap'
    GROUP BY holes.dataset, holes.symbol, holes.hole
    HAVING sum(absences.days) > 3
),

happened AS (
    SELECT dataset, date, symbol, 'listed' AS event, NULL AS detail
    FROM births
    WHERE symbol NOT LIKE '%SETTLED'
    UNION ALL
    SELECT dataset, latest, symbol, 'settled', 'an earlier life of ' || ticker
    FROM held
    WHERE symbol <> ticker
    UNION ALL
    SELECT absences.dataset, min(absences.first_day), absences.symbol, 'ended', 'last file ' || any_value(held.latest)
    FROM absent AS absences
    INNER JOIN held ON absences.dataset = held.dataset AND absences.symbol = held.symbol
    WHERE absences.reason = 'ended' AND held.symbol = held.ticker
    GROUP BY absences.dataset, absences.symbol
    UNION ALL
    SELECT dataset, date, symbol, 'came_back', 'after ' || days || ' missing days'
    FROM breaks
    UNION ALL
    SELECT lived.dataset, min(file.date), lived.symbol, 'turned_flat', 'last traded day ' || lived.last_traded_day
    FROM lived
    INNER JOIN day_files AS file
        ON lived.dataset = file.dataset
        AND lived.symbol = file.symbol
        AND file.date > lived.last_traded_day
        AND file.vanished_at IS NULL
        AND file.file_size_bytes > 0
    WHERE lived.last_traded_day < lived.last_day
    GROUP BY lived.dataset, lived.symbol, lived.last_traded_day
    UNION ALL
    SELECT dataset, first_day, symbol, 'relisted', 'life ' || life || ' of ' || ticker
    FROM lived
    QUALIFY row_number() OVER (PARTITION BY dataset, symbol ORDER BY first_day) > 1
    UNION ALL
    SELECT dataset, date, NULL, 'market_gap', files || ' of about ' || round(usual)::INTEGER || ' usual files'
    FROM (SELECT *, max(date) OVER (PARTITION BY dataset) AS newest FROM market_days)
    WHERE NOT published AND date <= newest - 3
    UNION ALL
    SELECT
        dataset,
        detected_on,
        CASE WHEN symbols = 1 THEN symbol END,
        'revision_burst',
        files || ' files of ' || symbols || ' symbols ' || change || ', of ' || first_day || ' to ' || last_day
    FROM revision_bursts
)

SELECT
    happened.dataset,
    happened.date,
    happened.symbol,
    happened.event,
    happened.detail,
    coalesce(
        CASE
            WHEN happened.event = 'settled' THEN watches.was_new
            WHEN happened.symbol IS NULL THEN happened.date > beginnings.last_day
            ELSE happened.date > watches.since
        END,
        FALSE
    )::INTEGER AS watched
FROM happened
LEFT JOIN beginnings ON happened.dataset = beginnings.dataset
LEFT JOIN watches ON happened.dataset = watches.dataset AND happened.symbol = watches.symbol
