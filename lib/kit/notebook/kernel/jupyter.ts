/**
 * The kernel that Jupyter and VS Code start through the kernelspec of `slh lab`: tslab's own, with the same
 * corrections that headless runs have. Jupyter gives the path of its connection file.
 */
import { createRequire } from "node:module";
import { tslabFile } from "./built.js";
import { answerHistory } from "./history.js";
import { type JupyterModule, runCells } from "./jupyter-cells.js";
import { endWith, refuseInput } from "./surroundings.js";
import { loadTslab } from "./tslab.js";

const require = createRequire(import.meta.url);

const tslab = loadTslab();
const jupyter = require(tslabFile("dist/jupyter.js")) as JupyterModule;

/** Replies in which tslab leaves out what the protocol asks for, or says what is not so. */
function correctReplies({ ZmqServer, JupyterHandlerImpl }: JupyterModule): void {
  const handler = JupyterHandlerImpl.prototype;
  const { handleKernel } = handler;
  handler.handleKernel = function () {
    const { language_info, ...info } = handleKernel.call(this);
    return {
      status: "ok",
      ...info,
      implementation_version: tslab.version,
      language_info: { ...language_info, version: tslab.typescript },
    };
  };
  ZmqServer.prototype.handleCommInfoRequest = function (socket, message) {
    const reply = message.createReply();
    reply.header.msg_type = "comm_info_reply";
    reply.content = { status: "ok", comms: {} };
    reply.signAndSend(this.connInfo.key, socket);
  };
}

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
answerHistory(jupyter, runCells(tslab, jupyter));
correctReplies(jupyter);
const { startKernel } = require(tslabFile("dist/main.js")) as {
  startKernel(options: { configPath: string; enableFindLocal: boolean }): void;
};
startKernel({ configPath: process.argv[2] ?? "", enableFindLocal: false });
