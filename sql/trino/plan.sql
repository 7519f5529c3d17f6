-- Which part of a condition the planner sees: look for `constraint on` at the scan. Trino unwraps a cast to a date into a range; the hour
-- of a column it cannot.
EXPLAIN SELECT avg(delay) FROM lake.flights.bronze_flights
WHERE date >= TIMESTAMP '2001-02-14 00:00:00' AND date < TIMESTAMP '2001-02-15 00:00:00';

EXPLAIN SELECT avg(delay) FROM lake.flights.bronze_flights WHERE hour(date) = 3;
