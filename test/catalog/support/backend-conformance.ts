import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Backend } from "../../../lib/lakehouse/catalog/store/backend.js";
import { named } from "../../../lib/lakehouse/catalog/store/stored-object.js";

/** Opens backends on one fresh place, as often as asked: each stands for a process. */
export interface BackendFactory {
  open(): Promise<Backend>;
  /** Removes the place. */
  dispose(): Promise<void>;
}

const object = (text: string) => named(JSON.stringify(text));

/** What every backend must hold to (see the interface). */
export function backendConformance(name: string, place: () => Promise<BackendFactory>): void {
  describe(`the ${name} backend`, () => {
    const cleanups: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
    });

    async function fresh(count = 1): Promise<[Backend, ...Backend[]]> {
      const factory = await place();
      cleanups.push(() => factory.dispose());
      const backends: Backend[] = [];
      for (let i = 0; i < count; i++) {
        const backend = await factory.open();
        cleanups.push(() => backend.close());
        backends.push(backend);
      }
      return backends as [Backend, ...Backend[]];
    }

    test("gives back the objects it was given, in the order asked, and nothing for the others", async () => {
      const [backend] = await fresh();
      const [a, b] = [object("a"), object("b")];
      await backend.put([a, b]);
      await backend.put([a]);
      const found = await backend.get([b.hash, object("never").hash, a.hash]);
      expect(found.map((bytes) => bytes && Buffer.from(bytes).toString())).toEqual(['"b"', undefined, '"a"']);
      expect(await backend.get([])).toEqual([]);
    });

    test("names the place where it is kept, and every opener the same", async () => {
      const [backend, other] = await fresh(2);
      expect(backend.place).toMatch(/^[a-z0-9]+:/);
      expect(other?.place).toBe(backend.place);
    });

    test("keeps large objects and any bytes", async () => {
      const [backend] = await fresh();
      const large = object("é\u0000".repeat(200_000));
      await backend.put([large]);
      const [found] = await backend.get([large.hash]);
      expect(Buffer.compare(Buffer.from(found as Uint8Array), Buffer.from(large.bytes))).toBe(0);
    });

    test("moves a ref only from the value expected, and stores the objects with it", async () => {
      const [backend, other] = await fresh(2);
      const a = object("a");
      expect(await backend.getRef("refs/main")).toBeUndefined();
      expect(await backend.moveRef({ name: "refs/main", expected: "x", next: "y" }, [])).toBe(false);
      expect(await backend.moveRef({ name: "refs/main", expected: undefined, next: "one" }, [a])).toBe(true);
      expect((await other?.get([a.hash]))?.[0]).toBeDefined();
      expect(await other?.getRef("refs/main")).toBe("one");
      expect(await other?.moveRef({ name: "refs/main", expected: undefined, next: "two" }, [])).toBe(false);
      expect(await other?.moveRef({ name: "refs/main", expected: "one", next: "two" }, [])).toBe(true);
      expect(await backend.moveRef({ name: "refs/main", expected: "one", next: "three" }, [])).toBe(false);
      expect(await backend.getRef("refs/main")).toBe("two");
      expect(await backend.moveRef({ name: "refs/main", expected: "two", next: undefined }, [])).toBe(true);
      expect(await other?.getRef("refs/main")).toBeUndefined();
      expect(await other?.moveRef({ name: "refs/main", expected: undefined, next: "again" }, [])).toBe(true);
    });

    test("moves a ref with more than one request may take, and with the same object twice", async () => {
      const [backend, other] = await fresh(2);
      const large = Array.from({ length: 3 }, (_, n) => object(String(n).repeat(700_000)));
      const small = Array.from({ length: 250 }, (_, n) => object(`small ${n}`));
      const all = [...small, large[0], small[7], ...large, ...small.slice(0, 3)] as (typeof small)[number][];
      const move = { name: "refs/main", expected: undefined, next: "one" };
      expect(await backend.moveRef(move, all)).toBe(true);
      const found = await other?.get(all.map(({ hash }) => hash));
      for (const [index, bytes] of found?.entries() ?? []) {
        expect(Buffer.compare(Buffer.from(bytes as Uint8Array), Buffer.from(all[index]?.bytes ?? []))).toBe(
          0,
        );
      }
      const sizes = new Map<string, number>();
      for await (const { hash, size } of backend.scan()) sizes.set(hash, size);
      expect(sizes.size).toBe(253);
      for (const { hash, bytes } of all) expect(sizes.get(hash)).toBe(bytes.length);
      await backend.deleteObjects(large.map(({ hash }) => hash));
      expect((await other?.get([large[2]?.hash as string]))?.[0]).toBeUndefined();
      await backend.put(large);
      expect((await other?.get([large[2]?.hash as string]))?.[0]).toHaveLength(
        large[2]?.bytes.length as number,
      );
    });

    test("lists refs by name, with slashes and dots in them", async () => {
      const [backend] = await fresh();
      for (const name of ["refs/b", "refs/a/deep.er", "refs/A", "other/x", "refs/ü=%"]) {
        await backend.moveRef({ name, expected: undefined, next: `at ${name}` }, []);
      }
      expect(await backend.listRefs("refs/")).toEqual(
        ["refs/A", "refs/a/deep.er", "refs/b", "refs/ü=%"].map((name) => ({ name, value: `at ${name}` })),
      );
      expect(await backend.listRefs()).toHaveLength(5);
    });

    test("lets one of many racing moves win, from any number of openers", async () => {
      const backends = await fresh(4);
      for (let round = 0; round < 5; round++) {
        const expected = await backends[0].getRef("refs/main");
        const racers = Array.from({ length: 12 }, (_, racer) => {
          const backend = backends[racer % backends.length] as Backend;
          const next = `round ${round} racer ${racer}`;
          return backend.moveRef({ name: "refs/main", expected, next }, [object(next)]);
        });
        const won = (await Promise.all(racers)).flatMap((moved, racer) => (moved ? [racer] : []));
        expect(won).toHaveLength(1);
        expect(await backends[1]?.getRef("refs/main")).toBe(`round ${round} racer ${won[0]}`);
      }
    });

    test("dates objects by its own clock, and renews the age of one that is put again", async () => {
      const [backend] = await fresh();
      const [renewed, old] = [object("renewed"), object("old")];
      await backend.put([renewed, old]);
      // Stores keep times in seconds.
      await sleep(2100);
      const between = await backend.now();
      await sleep(2100);
      await backend.put([renewed]);
      const young = [];
      for await (const { hash, storedAt } of backend.scan()) if (storedAt > between) young.push(hash);
      expect(young).toEqual([renewed.hash]);
      const now = await backend.now();
      expect(now.getTime() - between.getTime()).toBeGreaterThan(1000);
      expect(Math.abs(now.getTime() - Date.now())).toBeLessThan(60_000);
    });

    test("scans all objects, and deletes those that it is told", async () => {
      const [backend] = await fresh();
      const all = Array.from({ length: 30 }, (_, n) => object(`n${n}`));
      await backend.put(all);
      const scanned = [];
      for await (const info of backend.scan()) scanned.push(info);
      expect(scanned.map(({ hash }) => hash).sort()).toEqual(all.map(({ hash }) => hash).sort());
      expect(scanned.every(({ size }) => size > 3)).toBe(true);
      const doomed = all.slice(0, 10).map(({ hash }) => hash);
      await backend.deleteObjects(doomed);
      const left = await backend.get(all.map(({ hash }) => hash));
      expect(left.filter((bytes) => bytes !== undefined)).toHaveLength(20);
      await backend.deleteObjects(doomed);
    });
  });
}
