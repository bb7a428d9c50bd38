-- What no BIGINT holds comes of numbers that the exchange made up.
SELECT
    count(*) FILTER (event = 'loss') AS losses,
    least(coalesce(sum(lost) FILTER (event = 'loss'), 0), 9223372036854775807)::BIGINT AS lost_messages,
    count(*) FILTER (event = 'break') AS breaks
FROM (SELECT DISTINCT segment, line, event, lost FROM noted)
