-- Flights and delay by hour of departure. `date` is when a plane left: see M4 for what that does to the night.
SELECT hour(date) AS hour, count(*) AS flights, round(avg(delay), 1) AS delay
FROM lake.flights.bronze_flights
GROUP BY hour(date)
ORDER BY hour;

-- The mean and what it hides.
SELECT round(avg(delay), 1) AS mean, approx_percentile(delay, 0.5) AS median, round(avg(IF(delay > 0, 1e0, 0e0)), 3) AS late
FROM lake.flights.bronze_flights;
