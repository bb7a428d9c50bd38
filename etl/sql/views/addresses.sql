-- Where the files of a symbol lie: the address up to the date, and what follows it. A day of the vault is a folder, below
-- `vault:`, which stands for wherever the vault lies.
SELECT
    names.dataset,
    names.symbol,
    archives.files_url || CASE
        WHEN names.dataset LIKE 'coinbase/%' THEN '/processed/' || names.dataset || '/product_id=' || url_encode(names.symbol) || '/date='
        ELSE
            '/data/futures/' || split_part(names.dataset, '/', 1) || '/daily/' || split_part(names.dataset, '/', 2)
            || '/' || url_encode(names.symbol) || '/' || split_part(names.dataset, '/', 3) || '/'
            || url_encode(names.symbol) || '-' || split_part(names.dataset, '/', 3) || '-'
    END AS stem,
    CASE WHEN names.dataset LIKE 'coinbase/%' THEN '/' ELSE '.zip' END AS ending
FROM (
    SELECT dataset, symbol FROM symbols
    UNION
    SELECT dataset, symbol FROM day_files
    UNION
    SELECT dataset, symbol FROM probes
) AS names
INNER JOIN archives ON names.dataset = archives.dataset
