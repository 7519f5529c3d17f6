/// <reference lib="dom" />
// How the page learns that a cell has ended. Its server is played, since no kernel can be made to answer in each order.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { KernelConnection } from "../../lib/kit/studio/ui/kernel/connection.js";

/** A WebSocket on which a test says what comes. */
class Wire extends EventTarget {
  static readonly OPEN = 1;
  static made: Wire[] = [];
  readonly readyState = Wire.OPEN;
  readonly sent: string[] = [];

  constructor() {
    super();
    Wire.made.push(this);
    queueMicrotask(() => this.dispatchEvent(new Event("open")));
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.dispatchEvent(new Event("close"));
  }

  tell(id: string, type: string, content: object = {}): void {
    const message = { header: { msg_type: type }, parent_header: { msg_id: id }, content };
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }
}

const SESSION = { id: "s", path: "m01", kernel: { id: "k", execution_state: "busy" } };
let connection: KernelConnection;
beforeEach(() => {
  Wire.made = [];
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("location", new URL("http://127.0.0.1:8899/"));
  vi.stubGlobal("sessionStorage", { getItem: () => "page", setItem: () => {} });
  vi.stubGlobal("fetch", async (_: string, { method }: RequestInit) =>
    Response.json(method === "GET" ? [SESSION] : SESSION),
  );
  connection = new KernelConnection("m01");
});
afterEach(() => {
  connection.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const wire = () => Wire.made.at(-1) as Wire;

/** An execution, with the outcomes that it was told to have: none while it runs. */
async function executing() {
  const outcomes: string[] = [];
  const { id } = await connection.execute("c1", "1", {
    message: () => {},
    done: (outcome) => void outcomes.push(outcome),
  });
  const hears = {
    busy: () => wire().tell(id, "status", { execution_state: "busy" }),
    output: () => wire().tell(id, "stream", { name: "stdout", text: "1" }),
    error: () => wire().tell(id, "error", { ename: "Error" }),
    idle: () => wire().tell(id, "status", { execution_state: "idle" }),
    ok: () => wire().tell(id, "execute_reply", { status: "ok" }),
    failed: () => wire().tell(id, "execute_reply", { status: "error" }),
    aborted: () => wire().tell(id, "execute_reply", { status: "aborted" }),
  };
  return { id, outcomes, hears };
}

describe("a cell has ended", () => {
  test.each([
    ["busy output ok idle", "ok"],
    ["busy output idle ok", "ok"],
    ["ok busy output idle", "ok"],
    ["busy error failed idle", "error"],
    ["busy error idle failed", "error"],
    ["failed busy error idle", "error"],
    ["busy aborted idle", "aborted"],
    ["busy idle aborted", "aborted"],
  ])("by its reply and the last of its outputs, once, whatever comes last: %s", async (order, outcome) => {
    const { outcomes, hears } = await executing();
    const heard = order.split(" ") as (keyof typeof hears)[];
    for (const [index, each] of heard.entries()) {
      hears[each]();
      expect(outcomes).toEqual(index === heard.length - 1 ? [outcome] : []);
    }
  });

  test("by what another one's outputs say, where an earlier page has sent it", async () => {
    const outcomes: Record<string, string> = {};
    await connection.resume();
    for (const id of ["fine", "failing"])
      connection.adopt(
        { id, cell: "c1", since: 0 },
        { message: () => {}, done: (outcome) => void Object.assign(outcomes, { [id]: outcome }) },
      );
    wire().tell("failing", "error");
    for (const id of ["fine", "failing"]) wire().tell(id, "status", { execution_state: "idle" });
    expect(outcomes).toEqual({ fine: "ok", failing: "error" });
  });

  test("without its reply where the connection breaks, and with it where it had come", async () => {
    const [idle, replied, running] = [await executing(), await executing(), await executing()];
    idle.hears.error();
    idle.hears.idle();
    replied.hears.aborted();
    wire().close();
    expect([idle.outcomes, replied.outcomes, running.outcomes]).toEqual([["error"], [], []]);
    expect(connection.state.value).toBe("lost");
    await vi.runAllTimersAsync();
    expect([Wire.made.length, connection.state.value]).toEqual([2, "busy"]);
    replied.hears.idle();
    running.hears.idle();
    expect([replied.outcomes, running.outcomes]).toEqual([["aborted"], ["ok"]]);
  });

  test("with the kernel that ran it", async () => {
    const { outcomes } = await executing();
    wire().tell("", "status", { execution_state: "dead" });
    expect(outcomes).toEqual(["aborted"]);
  });
});
