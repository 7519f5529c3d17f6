/**
 * The child process that runs the cells of one notebook, told by the supervisor which, one after the other.
 * The working directory is the notebook's folder from the start.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as immediate } from "node:timers/promises";
import { verifySolution } from "../cell/exercise.js";
import { recorder } from "../cell/recorder.js";
import type { MimeBundle } from "../file/nbformat.js";
import { cellOf, describeDiagnostics, describeError } from "./failure.js";
import { watchFiles } from "./files.js";
import type { FromKernel, ToKernel } from "./protocol.js";
import { endWith, hideTraces, refuseInput, textOf } from "./surroundings.js";
import { trackCells } from "./tracking.js";
import { loadTslab } from "./tslab.js";

const root = process.argv[2] ?? process.cwd();
const exit = process.exit.bind(process);
const tslab = loadTslab();
const cells = trackCells(tslab, root);
const reported = new WeakSet<object>();

/** Follows timers and promises, so that what a cell does late is still its own. */
const origin = new AsyncLocalStorage<number>();
let current = -1;
let failedCell: number | undefined;

const cellNow = (): number => origin.getStore() ?? current;

function send(message: FromKernel): void {
  process.send?.(message);
}

function fail(cell: number, failure: ReturnType<typeof describeError>): void {
  failedCell = cell;
  send({ type: "failed", cell, failure });
}

function failWith(error: unknown, cell: number): void {
  if (error !== null && typeof error === "object") {
    if (reported.has(error)) return;
    reported.add(error);
  }
  fail(cell, describeError(error, cell, cells.context));
}

function captureStreams(): void {
  for (const name of ["stdout", "stderr"] as const) {
    const decoder = new TextDecoder();
    process[name].write = ((chunk: string | Uint8Array, encoding?: unknown, done?: unknown) => {
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
      send({ type: "output", cell: cellNow(), output: { output_type: "stream", name, text } });
      const callback = typeof encoding === "function" ? encoding : done;
      if (typeof callback === "function") process.nextTick(callback as () => void);
      return true;
    }) as typeof process.stdout.write;
  }
}

/** A cell that ends the process would cut its notebook short, and look like a success. */
function refuseExit(): void {
  process.exit = ((code?: number | string | null): never => {
    const error = new Error(
      `The cell called process.exit(${code ?? ""}). A notebook's kernel has to live on.`,
    );
    error.name = "ProcessExit";
    // Reported here, since the cell may catch what is thrown.
    failWith(error, cellNow());
    throw error;
  }) as typeof process.exit;
}

function showData(
  content: { data: MimeBundle; metadata: Record<string, unknown>; transient: { display_id?: string } },
  update?: boolean,
): void {
  const { data, metadata } = content;
  const displayId = content.transient.display_id;
  if (update && displayId !== undefined) {
    send({ type: "update", displayId, data, metadata });
    return;
  }
  const output = { output_type: "display_data", data, metadata } as const;
  send({ type: "output", cell: cellNow(), output, displayId });
}

function showResult(value: unknown): void {
  send({
    type: "output",
    cell: cellNow(),
    output: {
      output_type: "execute_result",
      execution_count: null,
      data: { "text/plain": textOf(value) },
      metadata: {},
    },
  });
}

function start(): (cell: number, source: string) => Promise<boolean> {
  const executor = tslab.createExecutor(process.cwd(), cells.watch(tslab.createConverter()), {
    log: showResult,
    error: (...parts) => {
      if (cells.diagnostics().length === 0) failWith(parts[0], cellNow());
    },
  });
  send({ type: "ready", tslab: tslab.version });
  let count = 0;
  return async (cell, source) => {
    current = cell;
    cells.begin(cell, ++count);
    const ok = await origin.run(cell, () => executor.execute(source));
    if (cells.diagnostics().length > 0) fail(cell, describeDiagnostics(cells.diagnostics()));
    return ok;
  };
}

/** Waits for what the cell left to be recorded, then lets rejections that nobody handles come up. */
async function settle(): Promise<void> {
  const { pending } = recorder();
  while (pending.size > 0) await Promise.all(pending);
  await immediate();
}

/** Time that timers of the last cells get to print or fail before the run is over. */
const LAST_WAIT_MS = 50;

async function main(): Promise<void> {
  // Frames of the machinery are taken out later: ten would often leave none of the cell's own.
  Error.stackTraceLimit = 40;
  captureStreams();
  refuseExit();
  endWith(process.ppid);
  refuseInput();
  hideTraces();
  const files = watchFiles([root, process.cwd()]);
  process.on("unhandledRejection", (reason) => failWith(reason, cellOf(reason) ?? cellNow()));
  process.on("uncaughtException", (error) => failWith(error, cellOf(error) ?? cellNow()));
  process.on("disconnect", () => exit(1));

  tslab.jupyter.lastWriteDisplayData = showData;
  const execute = start();
  process.on("message", async (message: ToKernel) => {
    if (message.type === "finish") {
      await settle();
      await new Promise((resolve) => setTimeout(resolve, LAST_WAIT_MS));
      const datasets = Object.fromEntries(recorder().datasets);
      process.send?.(
        {
          type: "finished",
          datasets,
          files: [...files.read],
          written: [...files.written],
        } satisfies FromKernel,
        () => exit(0),
      );
      return;
    }
    const { cell, source, solutions } = message;
    const ok = await execute(cell, source).catch((error: unknown) => {
      failWith(error, cell);
      return false;
    });
    await settle();
    if (ok && failedCell === undefined) {
      for (const name of solutions) {
        await origin.run(cell, () => verifySolution(name)).catch((error: unknown) => failWith(error, cell));
      }
    }
    send({ type: "executed", cell });
  });
}

void main();
