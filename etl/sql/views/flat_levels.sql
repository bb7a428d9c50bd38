-- Below how many bytes the file of a dataset is too small to hold a traded day; a dataset without a row has no flat files.
SELECT 'um/klines/1m' AS dataset, 10000 AS bytes
