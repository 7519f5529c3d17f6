-- What left an airport on a day and what came in, by the day on which a flight was to leave.
WITH movements AS (
  SELECT flight_date, origin AS airport, 1 AS departures, 0 AS arrivals, arrival_delay_minutes AS out_delay, CAST(NULL AS INT) AS in_delay
  FROM flights
  UNION ALL
  SELECT flight_date, destination AS airport, 0 AS departures, 1 AS arrivals, CAST(NULL AS INT) AS out_delay, arrival_delay_minutes AS in_delay
  FROM flights
)
SELECT
  flight_date,
  airport,
  CAST(sum(departures) AS BIGINT) AS departures,
  CAST(sum(arrivals) AS BIGINT) AS arrivals,
  avg(out_delay) AS mean_departed_delay_minutes,
  avg(in_delay) AS mean_arrived_delay_minutes
FROM movements
GROUP BY flight_date, airport
