-- A landed flight with what was known of it before it left, and whether it was late. Delays of others are those of the seven
-- days before, so that no row knows its own day.
WITH route_days AS (
  SELECT flight_date, origin, destination, sum(arrival_delay_minutes) AS delay, count(arrival_delay_minutes) AS landed
  FROM flights
  GROUP BY flight_date, origin, destination
),
origin_days AS (
  SELECT flight_date, origin, sum(arrival_delay_minutes) AS delay, count(arrival_delay_minutes) AS landed
  FROM flights
  GROUP BY flight_date, origin
),
routes AS (
  SELECT days.flight_date, before.origin, before.destination, CAST(sum(before.delay) AS DOUBLE) / nullif(sum(before.landed), 0) AS delay
  FROM (SELECT DISTINCT flight_date FROM flights) AS days
  JOIN route_days AS before
    ON before.flight_date >= days.flight_date - INTERVAL 7 DAY AND before.flight_date < days.flight_date
  GROUP BY days.flight_date, before.origin, before.destination
),
origins AS (
  SELECT days.flight_date, before.origin, CAST(sum(before.delay) AS DOUBLE) / nullif(sum(before.landed), 0) AS delay
  FROM (SELECT DISTINCT flight_date FROM flights) AS days
  JOIN origin_days AS before
    ON before.flight_date >= days.flight_date - INTERVAL 7 DAY AND before.flight_date < days.flight_date
  GROUP BY days.flight_date, before.origin
)
SELECT
  f.flight_id,
  f.flight_date,
  f.origin,
  f.destination,
  CAST(extract(hour FROM f.scheduled_at) AS INT) AS scheduled_hour,
  -- From a Sunday on, wherever an engine has its week begin.
  CAST(extract(dayofweek FROM f.scheduled_at) - extract(dayofweek FROM DATE '2001-01-07') AS INT) AS weekday,
  f.distance_miles,
  routes.delay AS route_delay_minutes_7d,
  origins.delay AS origin_delay_minutes_7d,
  f.arrival_delay_minutes >= 15 AS is_late,
  f.arrival_delay_minutes
FROM flights AS f
LEFT JOIN routes ON routes.flight_date = f.flight_date AND routes.origin = f.origin AND routes.destination = f.destination
LEFT JOIN origins ON origins.flight_date = f.flight_date AND origins.origin = f.origin
WHERE f.arrival_delay_minutes IS NOT NULL
