/**
 * How Jupyter's kernel runs cells: one after the other, what each prints, shows and gives told as the protocol has it
 * ("Messaging in Jupyter"), where tslab has it otherwise.
 */
import { createRequire } from "node:module";
import { setImmediate as immediate } from "node:timers/promises";
import { tslabFile } from "./built.js";
import { gather, type WriteStream } from "./gather.js";
import type { Ran } from "./history.js";
import type { KernelFailure } from "./protocol.js";
import { textOf } from "./surroundings.js";
import { trackCells } from "./tracking.js";
import type { Converter, Tslab } from "./tslab.js";

/** An error as Jupyter's protocol has it, in `error` messages and in replies. */
interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** The content of a request to run a cell. */
interface ExecuteRequest {
  readonly code?: string;
  readonly silent?: boolean;
  readonly store_history?: boolean;
  readonly stop_on_error?: boolean;
}

export interface Message {
  readonly header: { readonly msg_type: string };
  readonly content: object;
  createReply(): {
    header: { msg_type: string };
    content: object;
    signAndSend(key: string, socket: unknown): void;
  };
}

type WriteDisplayData = (...given: unknown[]) => void;

interface Handler {
  handleKernel(): { readonly language_info: object };
  handleExecute(
    request: ExecuteRequest,
    writeStream: WriteStream,
    writeDisplayData: WriteDisplayData,
  ): Promise<{ readonly status: string }>;
  handleExecuteImpl(
    request: ExecuteRequest,
    writeStream: WriteStream,
    writeDisplayData: WriteDisplayData,
  ): Promise<unknown>;
}

/** The parts of tslab's kernel that are replaced. */
export interface JupyterModule {
  readonly ZmqServer: {
    readonly prototype: {
      readonly connInfo: { readonly key: string };
      readonly iopub: unknown;
      readonly shell: unknown;
      handleShellMessage(socket: unknown, ...frames: Buffer[]): Promise<void>;
      publishStatus(status: "busy" | "idle", message: Message): void;
      handleExecute(socket: unknown, message: Message): Promise<void>;
      handleCommInfoRequest(socket: unknown, message: Message): void;
    };
  };
  readonly JupyterHandlerImpl: { readonly prototype: Handler };
}

interface ExecutorModule {
  createExecutor(
    folder: string,
    converters: { readonly node: Converter; readonly browser: Converter; close(): void },
    console: { log(value: unknown): void; error(...parts: unknown[]): void },
  ): unknown;
}

/** Publishes a message of the request that is answered. */
type Publish = (type: string, content: object) => void;

/**
 * tslab prints the value of a cell on stdout, and what goes wrong on stderr. Here they become a result and an error of the
 * cell, as front ends show and save them.
 *
 * @returns the cells that have run, which grow
 */
export function runCells(tslab: Tslab, { ZmqServer, JupyterHandlerImpl }: JupyterModule): readonly Ran[] {
  const cells = trackCells(tslab, process.cwd());
  const executor = createRequire(import.meta.url)(tslabFile("dist/executor.js")) as ExecutorModule;
  const publishers = new WeakMap<object, Publish>();
  let running: ExecuteRequest = {};
  let failure: ErrorContent | undefined;
  let flush = () => {};
  let position = -1;
  let count = 0;
  const ran: Ran[] = [];
  const publish: Publish = (type, content) => {
    flush();
    publishers.get(running)?.(type, content);
  };
  // Diagnostics come one by one, and are told together the first time.
  const fail = (thrown: unknown): ErrorContent => {
    if (failure === undefined) {
      failure = asError(cells.describe(thrown));
      publish("error", failure);
    }
    return failure;
  };

  const { createExecutor } = executor;
  executor.createExecutor = (folder, converters, console) => {
    const node = cells.watch(converters.node);
    const watched = { node, browser: node, close: () => converters.close() };
    const log = (value: unknown): void => {
      if (running.silent) return;
      const data = { "text/plain": textOf(value) };
      publish("execute_result", { execution_count: count, data, metadata: {} });
    };
    return createExecutor(folder, watched, { ...console, log, error: fail });
  };

  const server = ZmqServer.prototype;
  const { handleExecute, publishStatus } = server;
  server.publishStatus = function (status, message) {
    if (status === "idle" || message.header.msg_type !== "execute_request")
      publishStatus.call(this, status, message);
  };
  server.handleExecute = function (socket, message) {
    publishers.set(message.content, (type, content) => {
      const reply = message.createReply();
      reply.header.msg_type = type;
      reply.content = content;
      reply.signAndSend(this.connInfo.key, this.iopub);
    });
    return handleExecute.call(this, socket, message);
  };

  const run = async (
    handler: Handler,
    request: ExecuteRequest,
    writeStream: WriteStream,
    writeDisplayData: WriteDisplayData,
  ) => {
    const { silent = false, store_history: isCounted = true } = request;
    const printed = gather(writeStream);
    running = request;
    failure = undefined;
    flush = printed.flush;
    if (!silent && isCounted) ran.push([++count, request.code ?? ""]);
    cells.begin(++position, count);
    // Other clients of the kernel see by it what is run.
    if (!silent) publish("execute_input", { code: request.code, execution_count: count });
    try {
      await handler.handleExecuteImpl(request, printed.write, (...given) => {
        printed.flush();
        writeDisplayData(...given);
      });
      return { status: "ok", execution_count: count, user_expressions: {} };
    } catch (error) {
      // Of a cell that failed, tslab throws the number alone: what was wrong has been told.
      return { status: "error", execution_count: count, ...fail(error) };
    } finally {
      printed.flush();
    }
  };
  // tslab says so when a request comes. Of one that waits, clients would then hear last that the cell before it has ended.
  const begin = (request: ExecuteRequest) => publishers.get(request)?.("status", { execution_state: "busy" });
  JupyterHandlerImpl.prototype.handleExecute = inTurn(begin, run);
  return ran;
}

type Run = (handler: Handler, ...given: Parameters<Handler["handleExecute"]>) => Promise<{ status: string }>;

/**
 * Cells run one after the other. One that fails ends those that were sent before it had failed: what a client sends when
 * it knows of the failure is run. tslab would end all that comes within 200 ms, as a client does that goes on after errors.
 */
function inTurn(begin: (request: ExecuteRequest) => void, run: Run): Handler["handleExecute"] {
  const waiting = new Set<ExecuteRequest>();
  let turn: Promise<unknown> = Promise.resolve();
  const endWaiting = async (): Promise<void> => {
    // While a cell computes without a pause, nothing is read: what was sent meanwhile is waited for.
    for (let before = -1; before < waiting.size; ) {
      before = waiting.size;
      await immediate();
      await immediate();
    }
    waiting.clear();
  };
  return function (this: Handler, request, ...write) {
    waiting.add(request);
    const reply = turn.then(async () => {
      begin(request);
      if (!waiting.delete(request)) return { status: "aborted" };
      const done = await run(this, request, ...write);
      if (done.status === "error" && request.stop_on_error !== false) await endWaiting();
      return done;
    });
    turn = reply;
    return reply;
  };
}

const asError = ({ name, message, frames }: KernelFailure): ErrorContent => ({
  ename: name,
  evalue: message,
  traceback: [`${name}: ${message}`, ...frames.map((frame) => `    ${frame}`)],
});
