-- What each good event says of its flight. The newest one of a flight counts.
SELECT
  flight AS flight_id,
  CAST(scheduled_at AS DATE) AS flight_date,
  scheduled_at,
  status,
  origin,
  origin_city,
  origin_state,
  destination,
  destination_city,
  destination_state,
  distance_miles,
  arrival_delay_minutes,
  sent_at
FROM typed_events
WHERE reason IS NULL
