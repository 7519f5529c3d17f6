-- Snapshots, names for them, and files: every engine has these tables beside the table. Trino's names hold a `$`, and need quotes.
SELECT committed_at, snapshot_id, parent_id, operation, element_at(summary, 'added-records') AS added
FROM lake.flights."reports$snapshots" ORDER BY committed_at;

SELECT name, type, snapshot_id FROM lake.flights."reports$refs" ORDER BY name;

SELECT record_count, file_size_in_bytes FROM lake.flights."reports$files" ORDER BY file_size_in_bytes;
