-- Which part of a condition the planner sees: look for `filters=` at the scan. A range over the bare column is there. The hour of the
-- column is not, and opens every file.
EXPLAIN SELECT count(*) FROM lake.flights.bronze_flights
WHERE date >= TIMESTAMP '2001-02-14 00:00:00' AND date < TIMESTAMP '2001-02-15 00:00:00';

EXPLAIN SELECT count(*) FROM lake.flights.bronze_flights WHERE hour(date) = 3;
