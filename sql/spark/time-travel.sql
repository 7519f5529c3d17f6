-- Spark: the table as it was, by tag, by snapshot id, by time of commit.
-- ${since} is a snapshot id, ${moment} a time in UTC: `SET since=…` gives a variable its value.
SELECT count(*) AS flights FROM lake.flights.reports VERSION AS OF '2001-Q1';
SELECT count(*) AS flights FROM lake.flights.reports VERSION AS OF ${since};
SELECT count(*) AS flights FROM lake.flights.reports TIMESTAMP AS OF '${moment}';
