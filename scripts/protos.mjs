// npm run protos: TypeScript from the protos of the log's gRPC services, committed beside them. buf and protoc-gen-es come
// from npm for this run alone; test/log/rpc/protos.test.ts holds that what they made is what the protos say.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

const HOME = "lib/lakehouse/log/rpc";
const TOOLS = ["@bufbuild/buf@1.75.0", "@bufbuild/protoc-gen-es@2.13.0"];
const TEMPLATE = {
  version: "v2",
  plugins: [{ local: "protoc-gen-es", out: `${HOME}/generated`, opt: ["target=ts", "import_extension=js"] }],
};

rmSync(`${HOME}/generated`, { recursive: true, force: true });
const { status } = spawnSync(
  "npx",
  [
    "--yes",
    ...TOOLS.map((tool) => `--package=${tool}`),
    ...["--", "buf", "generate", `${HOME}/proto`, "--template", JSON.stringify(TEMPLATE)],
  ],
  { stdio: "inherit" },
);
process.exitCode = status ?? 1;
