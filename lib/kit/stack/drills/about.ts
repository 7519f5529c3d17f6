/** All drills, each with the fault that it makes. */
export const DRILL_ABOUT = {
  "kill-seaweedfs": "SeaweedFS, volume server and all, is killed while tables are written to it",
  "kill-etcd": "etcd is killed while tables commit to it",
  "kill-catalog": "the catalog's server is killed in the middle of commits, after one whose answer was lost",
  "kill-log": "the log's server is killed while records are appended",
  "cut-etcd": "the network between a catalog's server and etcd carries nothing for a while",
  "fill-disk": "the disk of a SeaweedFS is full while tables are written to it (needs root, on Linux)",
  restore: "the whole lakehouse is restored from its backup, to an empty SeaweedFS and etcd",
} as const;

export type DrillName = keyof typeof DRILL_ABOUT;
