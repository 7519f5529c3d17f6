-- The writer's engine: a late correction merged by key, impossible rows withdrawn beside their files, small files put together.
MERGE INTO lake.flights.airports a
USING (SELECT 'ATL' AS iata, 'Hartsfield-Jackson Atlanta Intl' AS name) n ON a.iata = n.iata
WHEN MATCHED THEN UPDATE SET a.name = n.name;

ALTER TABLE lake.flights.reports SET TBLPROPERTIES ('write.delete.mode' = 'merge-on-read');
DELETE FROM lake.flights.reports WHERE arrival_delay < -120;

CALL lake.system.rewrite_data_files(table => 'flights.reports', options => map('rewrite-all', 'true'));
