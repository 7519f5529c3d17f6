import type { NativeService } from "../service.js";
import { s3Access } from "./s3-access.js";

const GRPC = ["master", "volume", "filer", "s3"] as const;

export const seaweedfs: NativeService = {
  name: "seaweedfs",
  title: "SeaweedFS",
  about: "the object store: master, volume server, filer and S3 in one process",
  version: "4.53",
  license: "Apache-2.0",
  profile: "core",
  needs: [],
  memoryMiB: 1024,
  health: { port: "s3", path: "/healthz" },
  page: { port: "master", path: "/" },
  settings: ({ listen, data, files, host, port, secret }) => ({
    args: [
      "server",
      `-dir=${data}`,
      `-ip=${host("seaweedfs")}`,
      `-ip.bind=${listen}`,
      "-filer",
      "-s3",
      `-s3.config=${files}/s3.json`,
      "-s3.allowBackslashInKey",
      // No word to its makers.
      "-master.telemetry=false",
      // The catalog is ours.
      "-s3.port.iceberg=0",
      "-s3.port.lance=0",
      // The one master need not wait long for others to say that they lead: ten seconds, after which a restart goes on.
      "-master.electionTimeout=1s",
      // A volume for each collection takes its space at once otherwise: seven of 30 GB.
      "-master.volumeSizeLimitMB=1024",
      "-volume.max=0",
      `-metricsIp=${listen}`,
      `-metricsPort=${port("seaweedfs", "metrics")}`,
      ...GRPC.flatMap((part) => [
        `-${part}.port=${port("seaweedfs", part)}`,
        `-${part}.port.grpc=${port("seaweedfs", `${part}Grpc`)}`,
      ]),
    ],
    files: { "s3.json": s3Access({ secret }) },
  }),
  packages: {
    from: "go",
    module: "github.com/seaweedfs/seaweedfs",
    version: "v0.0.0-20261109003541-7506e5f91cd6",
    program: "weed",
    // The module that it asks for is gone from GitHub.
    replace: { "github.com/tyler-smith/go-bip39": "github.com/cosmos/go-bip39 v1.0.0" },
  },
  stopMs: 90_000,
  container: {
    image: "chrislusf/seaweedfs:4.53",
    health: ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8333/healthz"],
    data: "/data",
    files: "/etc/sololakehouse",
    published: ["s3"],
  },
};
