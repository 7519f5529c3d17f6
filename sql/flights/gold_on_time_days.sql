-- On-time performance as the US DOT counts it: a flight is on time that comes in less than 15 minutes late.
SELECT
  flight_date,
  origin AS airport,
  count(*) AS flights,
  count(arrival_delay_minutes) AS landed,
  count(CASE WHEN arrival_delay_minutes < 15 THEN 1 END) AS on_time,
  CAST(count(CASE WHEN arrival_delay_minutes < 15 THEN 1 END) AS DOUBLE) / nullif(count(arrival_delay_minutes), 0) AS on_time_share
FROM flights
GROUP BY flight_date, origin
