import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BEGINNING, type BranchingCatalog } from "../../../lib/lakehouse/catalog/index.js";
import {
  defineSchema,
  long,
  type RowOf,
  type Table,
  updateProperties,
  updatesToCreate,
} from "../../../lib/lakehouse/iceberg/index.js";
import { code, records, schema } from "./contents.js";

/** A catalog that holds nothing but its branch `main`, at the beginning; its author is ada. */
export interface BranchingFixture {
  open(): Promise<BranchingCatalog>;
  /** Removes the place. */
  dispose(): Promise<void>;
}

/** What any branching catalog must do with branches, histories and transactions. Every implementation runs it. */
export function branchingConformance(name: string, place: () => Promise<BranchingFixture>): void {
  describe(`the ${name} catalog`, () => {
    let fixture: BranchingFixture;
    let catalog: BranchingCatalog;
    beforeEach(async () => {
      fixture = await place();
      catalog = await fixture.open();
      await catalog.createNamespace("ns");
    });
    afterEach(async () => {
      await catalog.close();
      await fixture.dispose();
    });

    const append = (table: Table<RowOf<typeof schema>>, ...ids: number[]) => table.append(records(...ids));
    const rows = async (name: string, ref = "main") =>
      Number((await catalog.on(ref).loadTable(name)).currentSnapshot?.summary?.["total-records"] ?? 0);

    describe("a branch", () => {
      test("sees what its origin had, and nothing of what each does after", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createBranch("etl");
        const etl = catalog.on("etl");
        await append(await etl.loadTable("ns.t"), 2, 3);
        await etl.createTable("ns.new", { schema });
        await append(await catalog.loadTable("ns.t"), 9);
        expect(await rows("ns.t", "etl")).toBe(3);
        expect(await rows("ns.t")).toBe(2);
        expect(await catalog.tableExists("ns.new")).toBe(false);
        expect((await catalog.diff("main", "etl")).map(({ key }) => key.join("."))).toEqual([
          "ns.new",
          "ns.t",
        ]);
      });

      test("merges with the changes of others to other tables", async () => {
        await append(await catalog.createTable("ns.a", { schema }), 1);
        await append(await catalog.createTable("ns.b", { schema }), 1);
        await catalog.createBranch("etl");
        await append(await catalog.on("etl").loadTable("ns.a"), 2, 3);
        await append(await catalog.loadTable("ns.b"), 2);
        const merged = await catalog.merge("etl", { message: "Publish" });
        expect(merged.applied).toBe(true);
        expect([await rows("ns.a"), await rows("ns.b")]).toEqual([3, 2]);
        expect((await catalog.log({ pageSize: 1 })).items[0]).toMatchObject({
          message: "Publish",
          authors: ["ada"],
        });
        // And the merged table goes on from there.
        await append(await catalog.loadTable("ns.a"), 4);
        expect(await rows("ns.a")).toBe(4);
        expect(await rows("ns.a", "etl")).toBe(3);
      });

      test("conflicts on a table that one side appended to and the other emptied, until one of them is chosen", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createBranch("etl");
        await append(await catalog.on("etl").loadTable("ns.t"), 2, 3);
        await (await catalog.loadTable("ns.t")).truncate();
        await expect(catalog.merge("etl")).rejects.toMatchObject({
          code: "COMMIT_CONFLICT",
          conflicts: [{ type: "VALUE_DIFFERS", key: ["ns", "t"] }],
          message: expect.stringContaining("ns.t"),
        });
        await catalog.merge("etl", { behaviors: [{ key: ["ns", "t"], behavior: "FORCE" }] });
        expect(await rows("ns.t")).toBe(3);
      });

      test("moves to another one as it is where that is allowed and nothing stands between", async () => {
        const table = await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createBranch("etl");
        await append(await catalog.on("etl").loadTable("ns.t"), 2);
        const forward = await catalog.merge("etl", { fastForward: "allow" });
        expect(forward).toMatchObject({ applied: true, after: await catalog.on("etl").hash() });
        expect(await catalog.hash()).toBe(await catalog.on("etl").hash());
        expect((await catalog.merge("etl", { fastForward: "only" })).applied).toBe(false);

        await catalog.createTable("ns.here", { schema });
        await append(await catalog.on("etl").loadTable("ns.t"), 3);
        expect(await code(catalog.merge("etl", { fastForward: "only" }))).toBe("REF_CONFLICT");
        expect((await catalog.merge("etl", { fastForward: "allow" })).applied).toBe(true);
        expect((await catalog.commitAt()).parents).toHaveLength(2);
        expect(await rows("ns.t")).toBe(3);
        expect(table.metadata.tableUuid).toBe((await catalog.loadTable("ns.t")).metadata.tableUuid);
      });

      test("says in a dry run what would become of each key, and stays where it is", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createBranch("etl");
        await append(await catalog.on("etl").loadTable("ns.t"), 2);
        await catalog.on("etl").createTable("ns.new", { schema });
        await (await catalog.loadTable("ns.t")).truncate();
        const before = await catalog.hash();
        const planned = await catalog.merge("etl", { dryRun: true });
        expect(planned).toMatchObject({ applied: false, before, after: before });
        const conflicts = planned.keys.map(({ key, conflict }) => [key.join("."), conflict?.type]);
        expect(conflicts.sort()).toEqual([
          ["ns.new", undefined],
          ["ns.t", "VALUE_DIFFERS"],
        ]);
        expect(await catalog.hash()).toBe(before);
        expect((await catalog.transplant("etl", { dryRun: true })).applied).toBe(false);
        expect((await catalog.revert("main", { dryRun: true })).applied).toBe(false);
        expect(await catalog.hash()).toBe(before);
      });

      test("can be merged into any other, from any view", async () => {
        await catalog.createBranch("dev");
        await catalog.createBranch("prod");
        await catalog.on("dev").createTable("ns.t", { schema });
        await catalog.merge("dev", { into: "prod" });
        expect(await catalog.on("prod").tableExists("ns.t")).toBe(true);
        expect(await catalog.tableExists("ns.t")).toBe(false);
      });

      test("is written to by name only; tags and older commits are read", async () => {
        const table = await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createTag("v1");
        await append(table, 2);
        expect(await rows("ns.t", "v1")).toBe(1);
        expect(await rows("ns.t", "main~1")).toBe(1);
        expect(await code(append(await catalog.on("v1").loadTable("ns.t"), 3))).toBe("INVALID_ARGUMENT");
        expect(await code(catalog.on("main~1").createTable("ns.u", { schema }))).toBe("INVALID_ARGUMENT");
        expect(await code(catalog.on("nope").createTable("ns.u", { schema }))).toBe("NO_SUCH_REF");
      });

      test("keeps the default branch", async () => {
        expect(await code(catalog.deleteReference("main"))).toBe("INVALID_ARGUMENT");
        await catalog.createBranch("etl", { from: `main@${BEGINNING}` });
        expect((await catalog.on("etl").entries()).items).toEqual([]);
        await catalog.deleteReference("etl");
        expect((await catalog.references()).map(({ name }) => name)).toEqual(["main"]);
      });
    });

    describe("history", () => {
      test("tells every change in words, with what it changed", async () => {
        const table = await append(await catalog.createTable("ns.t", { schema }), 1);
        await table.append(records(2), { message: "Load Tuesday" });
        await catalog.renameTable("ns.t", "ns.u");
        await catalog.updateNamespace("ns", { set: { owner: "ada" } });
        await catalog.dropTable("ns.u");
        const { items } = await catalog.log();
        expect(items.map(({ message }) => message)).toEqual([
          "Drop table ns.u",
          "Update properties of namespace ns",
          "Rename table ns.t to ns.u",
          "Load Tuesday",
          "Append to ns.t",
          "Create table ns.t",
          "Create namespace ns",
        ]);
        const id = (await catalog.on("main~4").entries({ types: ["ICEBERG_TABLE"] })).items[0]?.content
          .id as string;
        expect((await catalog.log({ contentId: id })).items).toHaveLength(4);
        expect((await catalog.log({ key: ["ns", "u"] })).items.map(({ message }) => message)).toEqual([
          "Drop table ns.u",
          "Rename table ns.t to ns.u",
        ]);
      });

      test("knows its commits by the first digits of their hashes", async () => {
        await catalog.createTable("ns.t", { schema });
        await catalog.createBranch("etl");
        await catalog.on("etl").createTable("ns.u", { schema });
        const [main, etl] = [await catalog.hash(), await catalog.on("etl").hash()];
        expect(await catalog.on(`@${etl.slice(0, 12)}`).hash()).toBe(etl);
        expect(await catalog.on(`etl@${main.slice(0, 12)}`).hash()).toBe(main);
        expect(await catalog.on(`@${etl.slice(0, 12)}~1`).hash()).toBe(main);
        expect(await code(catalog.on(`main@${etl.slice(0, 12)}`).hash())).toBe("NO_SUCH_REF");
        expect(await code(catalog.on("@0123456789ab").hash())).toBe("NO_SUCH_REF");
      });

      test("rolls back, and forth again", async () => {
        const table = await append(await catalog.createTable("ns.t", { schema }), 1);
        const good = await catalog.hash();
        await append(table, 2, 3);
        const bad = await catalog.hash();
        await catalog.rollback("main~1");
        expect(await catalog.hash()).toBe(good);
        expect(await rows("ns.t")).toBe(1);
        expect(await code(catalog.rollback(`@${bad}`))).toBe("INVALID_ARGUMENT");
        await catalog.assignReference("main", `@${bad}`, { expectedHash: good });
        expect(await rows("ns.t")).toBe(3);
      });

      test("reverts a commit and keeps what came after it elsewhere", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await append(await catalog.loadTable("ns.t"), 2);
        await catalog.createTable("ns.u", { schema });
        await catalog.revert("main~1");
        expect(await rows("ns.t")).toBe(1);
        expect(await catalog.tableExists("ns.u")).toBe(true);
        await append(await catalog.loadTable("ns.t"), 3);
        expect(await rows("ns.t")).toBe(2);
      });

      test("names what it reverts by the title, also of a commit that reverts", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.revert("main");
        const undone = await catalog.hash();
        await catalog.revert("main");
        const [last] = (await catalog.log({ pageSize: 1 })).items;
        expect(last?.message).toBe(`Revert "Revert "Append to ns.t""\n\nThis reverts commit ${undone}.`);
      });

      test("reverts several commits at once, or none", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await append(await catalog.loadTable("ns.t"), 2);
        await append(await catalog.loadTable("ns.t"), 3);
        const before = await catalog.hash();
        // The older one alone cannot go: the newer one changed the same table.
        await expect(catalog.revert(["main~1"])).rejects.toMatchObject({
          code: "COMMIT_CONFLICT",
          conflicts: [{ type: "VALUE_DIFFERS", key: ["ns", "t"] }],
        });
        expect(await code(catalog.revert(["main~2", "main"]))).toBe("COMMIT_CONFLICT");
        expect(await catalog.hash()).toBe(before);
        await catalog.revert(["main", "main~1"]);
        expect(await rows("ns.t")).toBe(1);
        expect(
          (await catalog.log({ pageSize: 2 })).items.map(({ message }) => message.split("\n")[0]),
        ).toEqual(['Revert "Append to ns.t"', 'Revert "Append to ns.t"']);
        expect((await catalog.references()).map(({ name }) => name)).toEqual(["main"]);
        await catalog.revert(["main~4", "main~5"]);
        expect(await catalog.tableExists("ns.t")).toBe(false);
      });

      test("picks single commits from elsewhere", async () => {
        await append(await catalog.createTable("ns.t", { schema }), 1);
        await catalog.createBranch("etl");
        await catalog.on("etl").createTable("ns.junk", { schema });
        await append(await catalog.on("etl").loadTable("ns.t"), 2);
        await catalog.transplant("etl");
        expect(await rows("ns.t")).toBe(2);
        expect(await catalog.tableExists("ns.junk")).toBe(false);
      });

      test("pages through entries", async () => {
        for (const name of ["a", "b", "c"]) await catalog.createTable(`ns.${name}`, { schema });
        await catalog.createNamespace("ns.deep");
        await catalog.createTable("ns.deep.d", { schema });
        const first = await catalog.entries({ pageSize: 4 });
        // It goes through URLs and terminals: the keys of entries hold NUL characters.
        expect(first.nextPageToken).toMatch(/^[\w-]+$/);
        const second = await catalog.entries({ pageSize: 4, pageToken: first.nextPageToken as string });
        expect([...first.items, ...second.items].map(({ key }) => key.join("."))).toEqual([
          "ns",
          "ns.a",
          "ns.b",
          "ns.c",
          "ns.deep",
          "ns.deep.d",
        ]);
        const tables = await catalog.entries({ namespace: "ns.deep", types: ["ICEBERG_TABLE"] });
        expect(tables.items.map(({ key }) => key.join("."))).toEqual(["ns.deep.d"]);
      });
    });

    describe("a transaction", () => {
      test("that read a table which changed since is refused", async () => {
        const [source, target] = [
          await catalog.createTable("ns.source", { schema }),
          await catalog.createTable("ns.target", { schema }),
        ];
        const read = await append(source, 1);
        const change = {
          table: target.identifier,
          requirements: [],
          updates: [{ action: "set-properties" as const, updates: { derived: "1" } }],
        };
        await catalog.commitTransaction([change], { unchanged: [read], message: "Derive" });
        expect((await catalog.log({ pageSize: 1 })).items[0]?.message).toBe("Derive");
        await append(read, 2);
        const stale = {
          ...change,
          updates: [{ action: "set-properties" as const, updates: { derived: "2" } }],
        };
        await expect(catalog.commitTransaction([stale], { unchanged: [read] })).rejects.toMatchObject({
          code: "COMMIT_CONFLICT",
          conflicts: [{ type: "VALUE_DIFFERS", key: ["ns", "source"] }],
        });
        await catalog.dropTable("ns.source");
        expect(await code(catalog.commitTransaction([stale], { unchanged: [read] }))).toBe("COMMIT_CONFLICT");
        expect((await catalog.loadTable("ns.target")).properties).toMatchObject({ derived: "1" });
      });

      test("under a token that another table had, or one dropped since, is applied", async () => {
        const properties = async (name: string) => (await catalog.loadTable(name)).properties;
        const load = async (name: string, value: string) =>
          (await catalog.loadTable(name)).update([updateProperties({ set: { value } })], { token: "load" });
        await catalog.createTable("ns.t", { schema });
        await catalog.createTable("ns.u", { schema });
        await load("ns.t", "first");
        await load("ns.u", "second");
        expect(await properties("ns.u")).toMatchObject({ value: "second" });
        await catalog.dropTable("ns.t");
        await catalog.createTable("ns.t", { schema });
        await load("ns.t", "third");
        expect(await properties("ns.t")).toMatchObject({ value: "third" });
      });

      test("sent twice under one token is applied once", async () => {
        const table = await catalog.createTable("ns.t", { schema });
        const request = {
          requirements: [{ type: "assert-current-schema-id" as const, currentSchemaId: 0 }],
          updates: [
            { action: "add-schema" as const, schema: { ...defineSchema({ id: long() }), schemaId: -1 } },
            { action: "set-current-schema" as const, schemaId: -1 },
          ],
          token: "once",
        };
        const first = await table.committer.commit(request);
        const second = await table.committer.commit(request);
        expect(second.metadataLocation).toBe(first.metadataLocation);
        expect(await code(table.committer.commit({ ...request, token: "other" }))).toBe("COMMIT_CONFLICT");

        const location = `${table.location}-2`;
        const staged = updatesToCreate({ ...table.metadata, tableUuid: randomUUID(), location });
        const create = {
          requirements: [{ type: "assert-create" as const }],
          updates: staged,
          token: "create",
        };
        const created = await catalog.committer("ns.u").commit(create);
        expect((await catalog.committer("ns.u").commit(create)).metadataLocation).toBe(
          created.metadataLocation,
        );
      });
    });
  });
}
