/** A table that Spark writes, as `lake.theirs.<name>`: statements in which `t` stands for it. */
export interface SparkTable {
  readonly name: string;
  readonly statements: readonly string[];
}

const flights = "(id bigint NOT NULL, date timestamp_ntz, origin string, delay int) USING iceberg";
const mergeOnRead =
  "'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read'";

/** `count` flights from a first id on, over three days and three origins. */
function insert(first: number, count: number, into = "t"): string {
  return `INSERT INTO ${into} SELECT id, TIMESTAMP_NTZ'2001-01-01 00:00:00' + make_interval(0, 0, 0, int(id % 3), int(id % 24)),
    element_at(array('ATL', 'New York/JFK', null), int(id % 3) + 1), int(id % 50) - 25 FROM range(${first}, ${first + count})`;
}

/** Deletes, updates and a merge, one after the other. */
const changes = [
  "DELETE FROM t WHERE id IN (3, 4, 41)",
  "UPDATE t SET delay = 1000 + delay, origin = 'ORD' WHERE id % 10 = 5",
  `MERGE INTO t AS old USING (SELECT * FROM VALUES (7L, 'A'), (8L, 'B'), (900L, 'C') AS s(id, origin)) s ON old.id = s.id
    WHEN MATCHED AND s.origin = 'A' THEN DELETE WHEN MATCHED THEN UPDATE SET origin = s.origin
    WHEN NOT MATCHED THEN INSERT (id, origin) VALUES (s.id, s.origin)`,
  "DELETE FROM t WHERE id = 9",
];

export const SPARK_ZOO: readonly SparkTable[] = [
  {
    name: "types",
    statements: [
      `CREATE TABLE t (id bigint NOT NULL, flag boolean, i int, f float, d double, small decimal(4,2),
        medium decimal(18,3), large decimal(38,10), day date, ts timestamp_ntz, instant timestamp, text string,
        bytes binary) USING iceberg TBLPROPERTIES ('format-version'='2')`,
      `INSERT INTO t VALUES
        (1, true, -2147483648, float('NaN'), double('-Infinity'), -12.34, 123456789012345.678,
          -1234567890123456789012345678.0123456789, DATE'1969-12-31', TIMESTAMP_NTZ'2024-03-01 13:33:20.123456',
          TIMESTAMP'1969-12-31 23:59:59.999999Z', 'Zürich 🛫', X'00FF'),
        (2, false, 1, float('-0'), 0.1D, 0.00, 0.001, 0, DATE'9999-12-31', TIMESTAMP_NTZ'1900-01-01 00:00:00',
          TIMESTAMP'9999-12-31 23:59:59Z', '', X''),
        (9223372036854775807, null, null, null, null, null, null, null, null, null, null, null, null)`,
    ],
  },
  {
    name: "nested",
    statements: [
      `CREATE TABLE t (id bigint NOT NULL, tags array<string>, place struct<city: string, at: struct<x: double, y: double>>,
        counts map<string, int>, points array<struct<x: int, label: string>>, routes map<int, array<struct<dest: string>>>)
        USING iceberg`,
      `INSERT INTO t VALUES
        (1, array('a', null, ''), named_struct('city', 'Bern', 'at', named_struct('x', 7.4D, 'y', null)),
          map('a', 1, 'b', null), array(named_struct('x', 1, 'label', 'one'), null),
          map(1, array(named_struct('dest', 'ATL')), 2, array())),
        (2, array(), named_struct('city', null, 'at', null), map(), array(), map()),
        (3, null, null, null, null, null)`,
      "ALTER TABLE t ADD COLUMN place.country string AFTER city",
      "ALTER TABLE t RENAME COLUMN place.city TO town",
      "ALTER TABLE t ADD COLUMN points.element.y int",
      "ALTER TABLE t ALTER COLUMN points.element.x TYPE bigint",
      "ALTER TABLE t DROP COLUMN place.at.x",
      "ALTER TABLE t ADD COLUMN routes.value.element.km decimal(9,3)",
      `INSERT INTO t VALUES (4, array('b'), named_struct('town', 'Thun', 'country', 'CH', 'at', named_struct('y', 1D)), null,
        array(named_struct('x', 4294967296L, 'label', null, 'y', 2)), map(7, array(named_struct('dest', 'JFK', 'km', 1.5))))`,
      "ALTER TABLE t ADD COLUMN place.at.x string",
      `INSERT INTO t VALUES (5, null, named_struct('town', null, 'country', null, 'at', named_struct('y', 2D, 'x', 'again')),
        null, null, null)`,
    ],
  },
  {
    name: "version1",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (origin, days(date))
        TBLPROPERTIES ('format-version'='1', 'write.metadata.compression-codec'='gzip')`,
      insert(0, 30),
      insert(30, 10),
      "DELETE FROM t WHERE id = 5",
      "INSERT OVERWRITE t SELECT 500L, TIMESTAMP_NTZ'2001-01-01 00:00:00', 'ATL', 1",
    ],
  },
  {
    name: "upgraded",
    statements: [
      `CREATE TABLE t ${flights} TBLPROPERTIES ('format-version'='1')`,
      insert(0, 20),
      `ALTER TABLE t SET TBLPROPERTIES ('format-version'='2', ${mergeOnRead})`,
      insert(20, 5),
      "DELETE FROM t WHERE id = 3",
      "ALTER TABLE t SET TBLPROPERTIES ('format-version'='3')",
      insert(25, 5),
      "DELETE FROM t WHERE id IN (4, 22, 27)",
    ],
  },
  {
    name: "copy_on_write",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (days(date), bucket(4, id)) TBLPROPERTIES ('format-version'='2')`,
      insert(0, 60),
      ...changes,
    ],
  },
  {
    name: "position_deletes",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (days(date), truncate(2, origin))
        TBLPROPERTIES ('format-version'='2', ${mergeOnRead})`,
      insert(0, 60),
      ...changes,
    ],
  },
  {
    name: "partition_deletes",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (bucket(2, id))
        TBLPROPERTIES ('format-version'='2', 'write.delete.granularity'='partition', ${mergeOnRead})`,
      insert(0, 30),
      insert(30, 30),
      ...changes,
      "ALTER TABLE t ADD PARTITION FIELD days(date)",
      insert(60, 10),
      "DELETE FROM t WHERE id % 7 = 0",
    ],
  },
  {
    name: "avro_deletes",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (bucket(2, id)) TBLPROPERTIES ('format-version'='2',
        'write.delete.format.default'='avro', 'write.delete.granularity'='partition', ${mergeOnRead})`,
      insert(0, 30),
      insert(30, 30),
      ...changes,
    ],
  },
  {
    name: "deletion_vectors",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (hours(date)) TBLPROPERTIES ('format-version'='3', ${mergeOnRead})`,
      insert(0, 60),
      ...changes,
    ],
  },
  {
    name: "lineage",
    statements: [
      `CREATE TABLE t ${flights} TBLPROPERTIES ('format-version'='3')`,
      insert(0, 20),
      insert(20, 20),
      ...changes,
      insert(1000, 2),
    ],
  },
  {
    name: "evolved",
    statements: [
      "CREATE TABLE t (id int NOT NULL, origin string, gone string, price decimal(9,2), ratio float, at timestamp_ntz) USING iceberg",
      "INSERT INTO t VALUES (1, 'ATL', 'x', 1.25, 0.5, TIMESTAMP_NTZ'2001-01-01 00:00:00')",
      "ALTER TABLE t ALTER COLUMN id TYPE bigint",
      "ALTER TABLE t ALTER COLUMN ratio TYPE double",
      "ALTER TABLE t ALTER COLUMN price TYPE decimal(20,2)",
      "ALTER TABLE t DROP COLUMN gone",
      "ALTER TABLE t RENAME COLUMN origin TO departure",
      "ALTER TABLE t ADD COLUMN note string FIRST",
      "ALTER TABLE t ADD PARTITION FIELD months(at)",
      "INSERT INTO t VALUES ('new', 4294967296, 'JFK', 123456789012345678.99, 0.1, TIMESTAMP_NTZ'2001-02-03 00:00:00')",
      "ALTER TABLE t ADD COLUMN gone bigint",
      "ALTER TABLE t REPLACE PARTITION FIELD months(at) WITH years(at)",
      "ALTER TABLE t ADD PARTITION FIELD departure",
      "ALTER TABLE t WRITE ORDERED BY id DESC",
      "INSERT INTO t VALUES (null, 3, null, null, null, null, 7), (null, 4, 'a/b=c', null, null, null, null)",
      "ALTER TABLE t DROP PARTITION FIELD departure",
      "INSERT INTO t VALUES (null, 5, 'ORD', null, null, null, 8)",
    ],
  },
  {
    name: "maintained",
    statements: [
      `CREATE TABLE t ${flights} PARTITIONED BY (origin) TBLPROPERTIES ('format-version'='2', ${mergeOnRead})`,
      ...[0, 10, 20, 30].map((first) => insert(first, 10)),
      "DELETE FROM t WHERE id IN (3, 14)",
      "CALL lake.system.rewrite_data_files(table => 'theirs.maintained', options => map('rewrite-all', 'true'))",
      insert(40, 10),
      "CALL lake.system.rewrite_manifests('theirs.maintained')",
      "DELETE FROM t WHERE id = 44",
      "CALL lake.system.rewrite_position_delete_files(table => 'theirs.maintained', options => map('rewrite-all', 'true'))",
    ],
  },
  {
    name: "branched",
    statements: [
      `CREATE TABLE t ${flights} TBLPROPERTIES ('format-version'='2', ${mergeOnRead})`,
      insert(0, 5),
      "ALTER TABLE t CREATE TAG v1",
      "ALTER TABLE t CREATE BRANCH audit RETAIN 7 DAYS",
      insert(5, 5, "t.branch_audit"),
      "DELETE FROM t.branch_audit WHERE id = 1",
      insert(100, 5),
    ],
  },
  { name: "empty", statements: [`CREATE TABLE t ${flights} PARTITIONED BY (days(date))`] },
  {
    name: "emptied",
    statements: [`CREATE TABLE t ${flights}`, insert(0, 3), "TRUNCATE TABLE t"],
  },
];

/** The statements on a table of Spark's catalog. */
export function statementsOn(table: string, statements: readonly string[]): string[] {
  return statements.map((sql) =>
    sql.replace(/\b(TABLE|INTO|FROM|UPDATE|OVERWRITE) t\b/g, (_, verb) => `${verb} ${table}`),
  );
}
