/**
 * The kernel that Jupyter and VS Code start through the kernelspec of `slh lab`: tslab's own, with the same
 * corrections that headless runs have. Jupyter gives the path of its connection file.
 */
import { createRequire } from "node:module";
import { tslabFile } from "./built.js";
import { gather, type WriteStream } from "./gather.js";
import type { KernelFailure } from "./protocol.js";
import { endWith, refuseInput } from "./surroundings.js";
import { trackCells } from "./tracking.js";
import { type Converter, loadTslab } from "./tslab.js";

/** An error as Jupyter's protocol has it, in `error` messages and in replies. */
interface ErrorContent {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

interface Message {
  readonly content: object;
  createReply(): {
    header: { msg_type: string };
    content: object;
    signAndSend(key: string, socket: unknown): void;
  };
}

/** The parts of tslab's kernel that are replaced here. */
interface JupyterModule {
  readonly ZmqServer: {
    readonly prototype: {
      readonly connInfo: { readonly key: string };
      readonly iopub: unknown;
      handleExecute(socket: unknown, message: Message): Promise<void>;
    };
  };
  readonly JupyterHandlerImpl: {
    readonly prototype: {
      handleExecute(request: object, ...rest: unknown[]): Promise<{ readonly status: string }>;
      handleExecuteImpl(
        request: object,
        writeStream: WriteStream,
        writeDisplayData: (...given: unknown[]) => void,
      ): Promise<unknown>;
    };
  };
}

interface ExecutorModule {
  createExecutor(
    folder: string,
    converters: { readonly node: Converter; readonly browser: Converter; close(): void },
    console: { log(value: unknown): void; error(...parts: unknown[]): void },
  ): unknown;
}

const require = createRequire(import.meta.url);

/** tslab prints what goes wrong on stderr. Here it becomes an error of the cell, as front ends show and save it. */
function showErrors(): void {
  const cells = trackCells(loadTslab(), process.cwd());
  const { ZmqServer, JupyterHandlerImpl } = require(tslabFile("dist/jupyter.js")) as JupyterModule;
  const executor = require(tslabFile("dist/executor.js")) as ExecutorModule;
  const publishers = new WeakMap<object, (content: ErrorContent) => void>();
  const failures = new WeakMap<object, ErrorContent>();
  let running: object | undefined;
  let flush = () => {};
  let count = 0;

  const { createExecutor } = executor;
  executor.createExecutor = (folder, converters, console) => {
    const node = cells.watch(converters.node);
    const watched = { node, browser: node, close: () => converters.close() };
    const error = (...parts: unknown[]): void => {
      // Diagnostics come one by one, and are told together the first time.
      if (running === undefined || failures.has(running)) return;
      const content = asError(cells.describe(parts[0]));
      failures.set(running, content);
      flush();
      publishers.get(running)?.(content);
    };
    return createExecutor(folder, watched, { ...console, error });
  };

  const server = ZmqServer.prototype;
  const { handleExecute } = server;
  server.handleExecute = function (socket, message) {
    publishers.set(message.content, (content) => {
      const reply = message.createReply();
      reply.header.msg_type = "error";
      reply.content = content;
      reply.signAndSend(this.connInfo.key, this.iopub);
    });
    return handleExecute.call(this, socket, message);
  };
  const handler = JupyterHandlerImpl.prototype;
  const { handleExecute: answer, handleExecuteImpl: execute } = handler;
  handler.handleExecuteImpl = async function (request, writeStream, writeDisplayData) {
    running = request;
    cells.begin(count, ++count);
    const printed = gather(writeStream);
    flush = printed.flush;
    try {
      return await execute.call(this, request, printed.write, (...given) => {
        printed.flush();
        writeDisplayData(...given);
      });
    } finally {
      printed.flush();
    }
  };
  handler.handleExecute = async function (request, ...rest) {
    const reply = await answer.call(this, request, ...rest);
    return reply.status === "error" ? { ...reply, ...failures.get(request) } : reply;
  };
}

const asError = ({ name, message, frames }: KernelFailure): ErrorContent => ({
  ename: name,
  evalue: message,
  traceback: [`${name}: ${message}`, ...frames.map((frame) => `    ${frame}`)],
});

/** A queue of ZeroMQ's publisher that is full drops what is published: a cell's last lines, or that it has ended. */
function publishAll(): void {
  const zeromq = createRequire(tslabFile("dist/jupyter.js"))("zeromq") as typeof import("zeromq");
  const { Publisher } = zeromq;
  class WholePublisher extends Publisher {
    constructor() {
      super({ sendHighWaterMark: 0 });
    }
  }
  Object.defineProperty(zeromq, "Publisher", { value: WholePublisher, enumerable: true });
}

/**
 * Who starts a kernel that is to end with it says its process's id there, as Jupyter does. On Windows Jupyter gives a handle,
 * which is of no use here: there it is the process that started this one.
 */
function endWithStarter(): void {
  const { JPY_PARENT_PID: said } = process.env;
  if (said !== undefined) endWith(process.platform === "win32" ? process.ppid : Number(said));
}

endWithStarter();
refuseInput();
publishAll();
showErrors();
const { startKernel } = require(tslabFile("dist/main.js")) as {
  startKernel(options: { configPath: string; enableFindLocal: boolean }): void;
};
startKernel({ configPath: process.argv[2] ?? "", enableFindLocal: false });
