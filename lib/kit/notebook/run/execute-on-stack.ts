import type { Project } from "../../milestones/index.js";
import { kitMetadata } from "../file/metadata.js";
import { recordedIn } from "../file/recorded.js";
import { readStackFacts, stackFactsOf, writeStackFacts } from "../file/stack-facts.js";
import { readNotebook } from "../file/store.js";
import { type NotebookPlace, onStackPlace } from "../fresh/place.js";
import { madeFrom } from "../fresh/stack-freshness.js";
import { type ExecuteOptions, type Execution, executeNotebook } from "./execute.js";
import { stackLake } from "./on-stack.js";

/**
 * Runs a notebook on the stack, on a lakehouse that is its own and is gone afterwards. The executed copy lies beside those of
 * other runs; `save` writes its facts beside the notebook, which stays as it is.
 *
 * @throws LakehouseError STACK_UNREADY where the stack is not up; and as `executeNotebook`.
 */
export async function executeOnStack(
  project: Project,
  place: NotebookPlace,
  { save = false, volatile = false, ...options }: ExecuteOptions = {},
): Promise<Execution> {
  const { environment, services, dispose } = await stackLake(project, place.id);
  const own = onStackPlace(place, project);
  const before = Object.fromEntries(Object.keys(environment).map((name) => [name, process.env[name]]));
  // What a run is made from, and the kernel, go by this process's environment.
  setEnvironment(environment);
  try {
    const execution = await executeNotebook(own, options);
    if (save && execution.run.status === "ok") await saveFacts(own, services, volatile);
    return execution;
  } finally {
    setEnvironment(before);
    await dispose();
  }
}

function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
}

async function saveFacts(
  { source, executed }: NotebookPlace,
  services: Readonly<Record<string, string>>,
  volatile: boolean,
): Promise<void> {
  const notebook = await readNotebook(executed);
  const { fingerprint } = notebook ? kitMetadata(notebook) : {};
  if (!notebook || !fingerprint) return;
  const made = madeFrom(fingerprint);
  const recorded = readStackFacts(source);
  // Of other cells, a value may mean something else.
  const before = volatile || recorded?.made.cells !== made.cells ? {} : recorded.facts;
  await writeStackFacts(source, {
    services,
    made,
    datasets: Object.keys(fingerprint.datasets),
    files: Object.keys(fingerprint.files ?? {}),
    facts: stackFactsOf(recordedIn(notebook, executed), before),
  });
}
