-- One commit of metadata each; no data file is written anew. Spark has no one statement for all three.
ALTER TABLE lake.flights.reports RENAME COLUMN delay TO arrival_delay;
ALTER TABLE lake.flights.reports ALTER COLUMN distance TYPE bigint;
ALTER TABLE lake.flights.reports ADD COLUMN km int COMMENT 'kilometres, from April 2001 on';

-- The new reader finds null where a file has no such column; the old one reads by its tag, under the old names.
SELECT count(*) AS flights, count(km) AS with_km, sum(arrival_delay) AS delay FROM lake.flights.reports;
SELECT count(*) AS flights, sum(delay) AS delay FROM lake.flights.reports VERSION AS OF '2001-Q1';
