-- Events that no flight can be made of, as they came, with the first thing that is wrong.
SELECT flight, status, scheduled, origin, destination, distance, delay, sent, source, partition, position, received_at, reason
FROM typed_events
WHERE reason IS NOT NULL
