-- A route's flights of a day, and how late they came in.
SELECT
  flight_date,
  origin,
  destination,
  count(*) AS flights,
  count(arrival_delay_minutes) AS landed,
  count(CASE WHEN arrival_delay_minutes >= 15 THEN 1 END) AS delayed,
  avg(arrival_delay_minutes) AS mean_delay_minutes,
  max(arrival_delay_minutes) AS max_delay_minutes
FROM flights
GROUP BY flight_date, origin, destination
