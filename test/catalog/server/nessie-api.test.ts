import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openNessieCatalog } from "../../../lib/lakehouse/catalog/index.js";
import { keyFromPath, keyToPath } from "../../../lib/lakehouse/catalog/wire/nessie/keys.js";
import { newTableMetadata, writeTableMetadata } from "../../../lib/lakehouse/iceberg/index.js";
import { runs } from "../../support/runs.js";
import { schema } from "../support/contents.js";
import { type Served, serve } from "../support/served.js";

let served: Served;
const faults: unknown[] = [];
beforeEach(async () => {
  faults.length = 0;
  served = await serve({ bodyLimit: 64 << 10, onFault: (error) => faults.push(error) });
});
afterEach(() => served.stop());

type Json = Readonly<Record<string, unknown>>;
const send = async (method: string, path: string, body?: object, headers: Record<string, string> = {}) => {
  const response = await fetch(`${served.server.uri}/api/v2/${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined
      ? {}
      : { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Json };
};
const key = (...elements: string[]) => ({ elements });
const commitBody = (...operations: object[]) => ({ commitMeta: { message: "test" }, operations });
const namespace = (...elements: string[]) => ({
  type: "PUT",
  key: key(...elements),
  content: { type: "NAMESPACE", elements },
});
const commit = async (...operations: object[]) =>
  send("POST", `trees/main@${await served.catalog.hash()}/history/commit`, commitBody(...operations));

describe("Nessie's API", () => {
  test("lets in who has a token, and tells the others in its own words", async () => {
    await served.stop();
    served = await serve({ auth: { tokens: ["letmein"], clients: { ada: "lovelace" } } });
    expect(await send("GET", "config")).toMatchObject({
      status: 401,
      body: { status: 401, reason: "Unauthorized", errorCode: "BAD_REQUEST" },
    });
    const entered = await send("GET", "config", undefined, { authorization: "Bearer letmein" });
    expect(entered.body).toMatchObject({ defaultBranch: "main", maxSupportedApiVersion: 2 });
    const client = await openNessieCatalog({
      uri: `${served.server.uri}/api/v2`,
      store: served.store,
      credential: "ada:lovelace",
      oauth2ServerUri: `${served.server.uri}/v1/oauth/tokens`,
    });
    expect(await client.references()).toHaveLength(1);
  });

  test("takes compressed bodies, and none that grow beyond the limit", async () => {
    const path = `trees/main@${await served.catalog.hash()}/history/commit`;
    const gzip = { "content-type": "application/json", "content-encoding": "gzip" };
    const packed = gzipSync(JSON.stringify(commitBody(namespace("ns"))));
    expect((await send("POST", path, packed, gzip)).status).toBe(200);
    const bomb = gzipSync(Buffer.alloc(50 << 20, " "));
    expect(bomb.length).toBeLessThan(64 << 10);
    expect(await send("POST", path, bomb, gzip)).toMatchObject({
      status: 413,
      body: { errorCode: "BAD_REQUEST" },
    });
    expect((await send("POST", path, Buffer.from("no gzip"), gzip)).status).toBe(400);
    const zstd = { ...gzip, "content-encoding": "zstd" };
    expect(await send("POST", path, packed, zstd)).toMatchObject({
      body: { errorCode: "UNSUPPORTED_MEDIA_TYPE" },
    });
    const long = commitBody(...Array.from({ length: 5000 }, (_, n) => namespace(`n${n}`)));
    expect(await send("POST", path, long)).toMatchObject({ status: 413, body: { errorCode: "BAD_REQUEST" } });
  });

  test("commits no table that leads out of the warehouse", async () => {
    await commit(namespace("ns"));
    const ids = { snapshotId: -1, schemaId: 0, specId: 0, sortOrderId: 0 };
    const table = (metadataLocation: string) => ({
      type: "PUT",
      key: key("ns", "t"),
      content: { type: "ICEBERG_TABLE", metadataLocation, ...ids },
    });
    const { store } = served;
    const elsewhere = newTableMetadata({ schema, location: "file:///etc/t" });
    const inside = newTableMetadata({ schema, location: `${store.root}/t` });
    const smuggled = await writeTableMetadata(store, { ...elsewhere, location: `${store.root}/t` }, 0);
    await store.put(
      smuggled,
      Buffer.from(
        Buffer.from(await store.read(smuggled))
          .toString()
          .replace(`${store.root}/t`, "file:///etc/t"),
      ),
    );
    for (const location of [
      "file:///etc/passwd",
      `${store.root}/../catalog.db`,
      `${store.root}/nothing.metadata.json`,
      smuggled,
    ]) {
      expect(await commit(table(location))).toMatchObject({
        status: 400,
        body: { errorCode: "BAD_REQUEST" },
      });
    }
    expect((await commit(table(await writeTableMetadata(store, inside, 0)))).status).toBe(200);
    expect((await served.catalog.loadTable("ns.t")).metadata.tableUuid).toBe(inside.tableUuid);
  });

  test("names what a commit conflicts with", async () => {
    await commit(namespace("ns"));
    const conflicts = async (...operations: object[]) => {
      const { status, body } = await commit(...operations);
      const details = body.errorDetails as { conflicts: { conflictType: string }[] } | undefined;
      return [status, details?.conflicts.map(({ conflictType }) => conflictType)];
    };
    expect(await conflicts(namespace("ns"))).toEqual([409, ["KEY_EXISTS"]]);
    expect(await conflicts(namespace("a", "b"))).toEqual([409, ["NAMESPACE_ABSENT"]]);
    expect(await conflicts({ type: "DELETE", key: key("x") })).toEqual([409, ["KEY_DOES_NOT_EXIST"]]);
    const other = { ...namespace("ns"), content: { type: "NAMESPACE", id: "other", elements: ["ns"] } };
    expect(await conflicts(other)).toEqual([409, ["CONTENT_ID_DIFFERS"]]);
    // A drop and a create in one commit is another object under the same name.
    const { body } = await commit({ type: "DELETE", key: key("ns") }, namespace("ns"));
    expect(body.addedContents).toHaveLength(1);
  });

  test("gives every list in pages", async () => {
    const { catalog } = served;
    for (const name of ["a", "b.c", "d", "e/f", "g"]) await catalog.createNamespace([name]);
    for (const name of ["one", "two", "x/y"]) await catalog.createBranch(name, { from: "main~5" });
    const collect = async (path: string, list: string): Promise<unknown[]> => {
      const items: unknown[] = [];
      let token = "";
      do {
        const query = `${path.includes("?") ? "&" : "?"}max-records=2&page-token=${encodeURIComponent(token)}`;
        const { body } = await send(
          "GET",
          path + (token === "" ? query.replace(/&page-token=$/, "") : query),
        );
        const page = body[list] as unknown[];
        expect(page.length).toBeLessThanOrEqual(2);
        items.push(...page);
        token = body.hasMore ? (body.token as string) : "";
      } while (token !== "");
      return items;
    };
    expect(await collect("trees", "references")).toMatchObject(
      ["main", "one", "two", "x/y"].map((name) => ({ name })),
    );
    const names = ["a", "b.c", "d", "e/f", "g"].map((name) => ({ elements: [name] }));
    expect(await collect("trees/main/entries", "entries")).toMatchObject(names.map((name) => ({ name })));
    expect(await collect("trees/one/diff/main", "diffs")).toMatchObject(names.map((name) => ({ key: name })));
    expect(await collect("trees/main/history", "logEntries")).toHaveLength(5);
    expect(
      await collect("trees/main/history?filter=commit.message.contains('.')", "logEntries"),
    ).toHaveLength(1);
  });

  test("filters by what its clients ask, and refuses what it does not know", async () => {
    await commit(namespace("ns"));
    await commit(namespace("ns", "deep.er"), namespace("ns", "b"));
    const entries = async (filter: string) => {
      const { status, body } = await send("GET", `trees/main/entries?filter=${encodeURIComponent(filter)}`);
      if (status !== 200) return body.message;
      return (body.entries as { name: { elements: string[] } }[]).map(({ name }) => name.elements.join("/"));
    };
    expect(await entries("size(entry.keyElements) == 1")).toEqual(["ns"]);
    expect(await entries("entry.namespace == 'ns' && !(entry.name in ['b'])")).toEqual(["ns/deep.er"]);
    expect(await entries("entry.encodedKey.startsWith('ns.') && entry.key.endsWith(\"er\")")).toEqual([
      "ns/deep.er",
    ]);
    expect(await entries("entry.keyElements[0] == 'ns' ? entry.keyElements.size() > 1 : false")).toHaveLength(
      2,
    );
    expect(await entries("entry.keyElements.all(k, k != 'b') || true == false")).toEqual([
      "ns",
      "ns/deep.er",
    ]);
    expect(await entries("has(entry.nothing) || entry.contentType == 'ICEBERG_TABLE'")).toEqual([]);
    expect(await entries("entry.name.matches('(a+)+$')")).toMatch(/uses matches, which is not known/);
    expect(await entries("commit.author == 'x'")).toMatch(/names commit; there is entry/);
    expect(await entries("entry.name == ")).toMatch(/not understood at 15/);
    expect(await entries("entry.name")).toMatch(/neither true nor false/);
    expect(await entries("entry.name > 1")).toMatch(/have no order/);
    expect(await entries(`${"(".repeat(60)}true${")".repeat(60)}`)).toMatch(/nested deeper/);
    expect(await entries("'unclosed")).toMatch(/cannot be read at 1/);
    const log = async (filter: string) =>
      (
        (await send("GET", `trees/main/history?filter=${encodeURIComponent(filter)}`)).body
          .logEntries as unknown[]
      ).length;
    expect(await log("commit.commitTime > timestamp('2020-01-01T00:00:00Z')")).toBe(2);
    expect(await log("timestamp(commit.commitTime) < timestamp('2020-01-01T00:00:00Z')")).toBe(0);
    expect(await log("operations.exists(op, op.type == 'PUT' && op.name == 'b')")).toBe(1);
  });

  test("fails on nothing that a client may send", async () => {
    await commit(namespace("ns"));
    const refs = [
      "main",
      "-",
      "nope",
      "main~1",
      "@2e1cfa82b035c26c",
      "%",
      "main^9",
      "..",
      "a/b@",
      "DETACHED@00000000",
    ];
    const tails = [
      "",
      "/entries",
      "/history",
      "/contents",
      "/contents/ns",
      "/contents/.a*",
      "/recent-changes",
    ];
    const others = ["/diff/main", "/history/commit", "/history/merge", "/history/transplant", "/nope"];
    const queries = [
      "",
      "?max-records=x",
      "?page-token=%00",
      "?filter=1",
      "?fetch=ALL",
      "?key=a&key=",
      "?min-key=..",
      "?type=TAG",
    ];
    const bodies = fc.oneof(
      fc.json().map((text) => JSON.parse(text) as unknown),
      fc.record(
        {
          commitMeta: fc.constantFrom({}, { message: 1 }, { message: "m", authors: "x" }, { message: "m" }),
          operations: fc.constantFrom([], [{}], [{ type: "PUT", key: { elements: [""] } }], "x"),
          fromRefName: fc.constantFrom("main", "", 7),
          fromHash: fc.constantFrom("", "zz", "00000000", "~1"),
          hashesToTransplant: fc.constantFrom([], [1], ["00000000"]),
          requestedKeys: fc.constantFrom([], [{}], [{ elements: ["a", "\u0000"] }]),
        },
        { requiredKeys: [] },
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("GET", "POST", "PUT", "DELETE"),
        fc.constantFrom(...refs),
        fc.constantFrom(...tails, ...others),
        fc.constantFrom(...queries),
        bodies,
        async (method, ref, tail, query, body) => {
          const sent = method === "GET" || method === "DELETE" ? undefined : (body as object);
          const { status, body: answer } = await send(
            method,
            `trees/${ref}${tail}${query}`,
            sent ?? undefined,
          );
          expect(status).toBeLessThan(500);
          if (status >= 400) expect(answer.status).toBe(status);
        },
      ),
      { numRuns: runs(300) },
    );
    expect(faults).toEqual([]);
  });
});

test("keys survive their way through a path", () => {
  const element = fc.string({
    minLength: 1,
    unit: fc.constantFrom("a", ".", "*", "/", "\\", "%", "{", "}", "[", " ", "é"),
  });
  fc.assert(
    fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), (elements) => {
      expect(keyFromPath(keyToPath(elements))).toEqual(elements);
    }),
  );
  expect(keyFromPath(".a*")).toBeUndefined();
  expect(keyFromPath("a\u001db.c")).toEqual(["a.b", "c"]);
});
