-- Events as bronze has them, each with its types, and with what is wrong with it: NULL where nothing is.
SELECT
  e.*,
  TRY_CAST(e.scheduled AS TIMESTAMP) AS scheduled_at,
  TRY_CAST(e.sent AS TIMESTAMP) AS sent_at,
  TRY_CAST(e.distance AS INT) AS distance_miles,
  TRY_CAST(e.delay AS INT) AS arrival_delay_minutes,
  o.city AS origin_city,
  o.state AS origin_state,
  d.city AS destination_city,
  d.state AS destination_state,
  CASE
    WHEN e.flight IS NULL OR e.flight = '' THEN 'flight is missing'
    WHEN e.status IS NULL OR e.status NOT IN ('departed', 'landed') THEN 'status is unknown'
    WHEN TRY_CAST(e.scheduled AS TIMESTAMP) IS NULL THEN 'scheduled is no time'
    WHEN TRY_CAST(e.sent AS TIMESTAMP) IS NULL THEN 'sent is no time'
    WHEN o.iata IS NULL THEN 'origin is no airport'
    WHEN d.iata IS NULL THEN 'destination is no airport'
    WHEN TRY_CAST(e.distance AS INT) IS NULL OR TRY_CAST(e.distance AS INT) <= 0 THEN 'distance is no distance'
    WHEN e.status = 'landed' AND TRY_CAST(e.delay AS INT) IS NULL THEN 'delay is no number'
    WHEN e.status = 'departed' AND e.delay IS NOT NULL THEN 'delay before the landing'
  END AS reason
FROM events AS e
LEFT JOIN airports AS o ON o.iata = e.origin
LEFT JOIN airports AS d ON d.iata = e.destination
