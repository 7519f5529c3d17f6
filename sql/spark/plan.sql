-- Which part of a condition the planner sees: look for `filters=` at the scan of the plan.
-- A range over the bare column is there. The column has no time zone, so the literals must have none: TIMESTAMP_NTZ.
EXPLAIN SELECT avg(delay) FROM lake.flights.bronze_flights
WHERE date >= TIMESTAMP_NTZ '2001-02-14 00:00:00' AND date < TIMESTAMP_NTZ '2001-02-15 00:00:00';

-- The same range in literals that have a zone: Spark casts the column to match them, nothing is left for the planner, and every
-- file is opened.
EXPLAIN SELECT avg(delay) FROM lake.flights.bronze_flights
WHERE date >= TIMESTAMP '2001-02-14 00:00:00' AND date < TIMESTAMP '2001-02-15 00:00:00';

-- Nor does it see through the hour of a column.
EXPLAIN SELECT avg(delay) FROM lake.flights.bronze_flights WHERE hour(date) = 3;
