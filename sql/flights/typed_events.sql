-- Events as bronze has them, each with its types, and with what is wrong with it: NULL where nothing is. Numbers and times are
-- read where they are written as they should be: of 1e3, 12.7 or 24:00:00 each engine would make what it likes.
WITH read_events AS (
  SELECT
    *,
    TRY_CAST(CASE WHEN regexp_extract(scheduled, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]', 0) = scheduled THEN scheduled END AS TIMESTAMP) AS scheduled_at,
    TRY_CAST(CASE WHEN regexp_extract(sent, '[12][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]', 0) = sent THEN sent END AS TIMESTAMP) AS sent_at,
    TRY_CAST(CASE WHEN regexp_extract(distance, '-?[0-9]{1,9}', 0) = distance THEN distance END AS INT) AS distance_miles,
    TRY_CAST(CASE WHEN regexp_extract(delay, '-?[0-9]{1,9}', 0) = delay THEN delay END AS INT) AS arrival_delay_minutes
  FROM events
)
SELECT
  e.*,
  o.city AS origin_city,
  o.state AS origin_state,
  d.city AS destination_city,
  d.state AS destination_state,
  CASE
    WHEN e.flight IS NULL OR e.flight = '' THEN 'flight is missing'
    WHEN e.status IS NULL OR e.status NOT IN ('departed', 'landed') THEN 'status is unknown'
    WHEN e.scheduled_at IS NULL THEN 'scheduled is no time'
    WHEN e.sent_at IS NULL THEN 'sent is no time'
    WHEN o.iata IS NULL THEN 'origin is no airport'
    WHEN d.iata IS NULL THEN 'destination is no airport'
    WHEN e.distance_miles IS NULL OR e.distance_miles <= 0 THEN 'distance is no distance'
    WHEN e.status = 'landed' AND e.arrival_delay_minutes IS NULL THEN 'delay is no number'
    WHEN e.status = 'departed' AND e.delay IS NOT NULL THEN 'delay before the landing'
  END AS reason
FROM read_events AS e
LEFT JOIN airports AS o ON o.iata = e.origin
LEFT JOIN airports AS d ON d.iata = e.destination
