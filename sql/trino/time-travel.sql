-- Trino: the table as it was, by tag, by snapshot id, by time of commit.
-- ${since} stands for a snapshot id, ${moment} for a time: Trino wants constants here, and has no variables in scripts.
SELECT count(*) AS flights FROM lake.flights.reports FOR VERSION AS OF '2001-Q1';
SELECT count(*) AS flights FROM lake.flights.reports FOR VERSION AS OF ${since};
SELECT count(*) AS flights FROM lake.flights.reports FOR TIMESTAMP AS OF TIMESTAMP '${moment} UTC';
