-- What changed after the snapshot ${since} up to ${until}, row by row, copy-on-write and appends.
SELECT _change_type AS change, count(*) AS flights
FROM TABLE(lake.system.table_changes(
  schema_name => 'flights', table_name => 'reports',
  start_snapshot_id => ${since}, end_snapshot_id => ${until}))
GROUP BY _change_type
ORDER BY change;
