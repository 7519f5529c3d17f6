-- What changed after the snapshot ${since}, row by row. Iceberg's Spark cannot yet tell it for snapshots that added delete
-- files (merge-on-read); for appends and copy-on-write it can.
CALL lake.system.create_changelog_view(
  table => 'flights.reports',
  changelog_view => 'reports_changes',
  options => map('start-snapshot-id', '${since}')
);

SELECT _change_type AS change, count(*) AS flights FROM reports_changes GROUP BY _change_type ORDER BY change;
