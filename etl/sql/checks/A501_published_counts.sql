WITH published AS (
    SELECT
        unnest($symbols::VARCHAR[]) AS symbol,
        unnest($files::BIGINT[]) AS files,
        unnest($sizes::BIGINT[]) AS bytes
),

held AS (
    SELECT symbol, count(*) AS files, sum(file_size_bytes)::BIGINT AS bytes
    FROM day_files
    WHERE dataset = $dataset AND vanished_at IS NULL
    GROUP BY symbol
),

here AS (
    SELECT symbols.symbol, coalesce(held.files, 0) AS files, coalesce(held.bytes, 0) AS bytes
    FROM symbols
    LEFT JOIN held ON symbols.symbol = held.symbol
    WHERE symbols.dataset = $dataset
)

SELECT
    coalesce(here.symbol, published.symbol) AS symbol,
    NULL::DATE AS first_day,
    NULL::DATE AS last_day,
    CASE
        WHEN here.symbol IS NULL THEN 'published and not known here'
        WHEN published.symbol IS NULL THEN 'not published'
        ELSE published.files || ' files of ' || published.bytes || ' bytes published, '
            || here.files || ' of ' || here.bytes || ' held'
    END AS detail
FROM here
FULL JOIN published ON here.symbol = published.symbol
WHERE here.files IS DISTINCT FROM published.files OR here.bytes IS DISTINCT FROM published.bytes
