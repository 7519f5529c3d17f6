import { describe, expect, test } from "vitest";
import type { VersionStore } from "../../../lib/lakehouse/catalog/store/version-store.js";
import { del } from "../support/contents.js";
import { type Actor, type Decision, dying, shuffled, switching } from "../support/interleaving.js";
import { etcdPlace, objectStorePlace, type Place, sqlitePlace } from "../support/places.js";
import { Model } from "../support/sweep-model.js";

/** More of everything, for who changes the protocol: `SLH_MODEL_SCALE=100` goes through all orders. */
const SCALE = Number(process.env.SLH_MODEL_SCALE ?? 1);

const commitAt = async (store: VersionStore, hash: string) => (await store.resolve(`@${hash}`)).commit;

/** Something that is done while garbage is collected. `dead` is a commit that nothing leads to. */
interface Scenario {
  readonly does: string;
  readonly mover: (store: VersionStore, dead: string, model: Model, actor: Actor) => Promise<unknown>;
}

const scenarios: readonly Scenario[] = [
  {
    does: "a branch is merged again that was merged and rolled back",
    mover: async (store) => {
      const source = (await store.resolve("etl")).commit;
      return store.merge("main", { commit: source, name: "etl" });
    },
  },
  {
    does: "a dead commit is merged",
    mover: async (store, dead) => store.merge("main", { commit: await commitAt(store, dead), name: dead }),
  },
  {
    does: "a branch is forwarded to a dead commit",
    mover: async (store, dead) =>
      store.merge("base", { commit: await commitAt(store, dead), name: dead }, { fastForward: "only" }),
  },
  {
    does: "a dead commit is picked",
    mover: async (store, dead) => store.transplant("main", [await commitAt(store, dead)]),
  },
  {
    does: "a branch is made at a dead commit",
    mover: (store, dead) => store.createReference("BRANCH", "back", dead),
  },
  {
    does: "a tag is made at a dead commit, deleted and made again",
    mover: async (store, dead) => {
      await store.createReference("TAG", "back", dead);
      await store.deleteReference("back");
      await store.createReference("TAG", "back", dead);
    },
  },
  {
    does: "a branch is set to a dead commit, goes on from there, and is set back",
    mover: async (store, dead) => {
      const { hash } = await store.reference("base");
      await store.assignReference("base", dead);
      const next = await store.commit("base", [del(["t9"])], { message: "m" });
      await store.assignReference("base", hash);
      await store.createReference("TAG", "kept", next.hash);
    },
  },
  {
    does: "tables are written",
    mover: async (store, _, model, actor) => {
      await model.commit(store, "main", "t1", 50, actor);
      await model.commit(store, "etl", "t1", 51, actor);
    },
  },
  {
    does: "a table is put back to a metadata file that only a dead commit names",
    mover: async (store) => {
      const content = { type: "ICEBERG_TABLE", id: "t9", snapshotId: "-1", schemaId: 0 } as const;
      const metadataLocation = "file:///warehouse/t9/metadata/3.metadata.json";
      const registered = { ...content, metadataLocation, specId: 0, sortOrderId: 0 };
      return store.commit("main", [{ type: "PUT", key: ["t9"], content: registered }], {
        message: "register",
      });
    },
  },
];

/** main, etl and base, and a commit that nothing leads to, with a table that nothing else has. */
async function prepare(model: Model): Promise<string> {
  const store = model.open();
  await store.ensureBranch("main");
  for (let n = 0; n < 3; n++) await model.commit(store, "main", `t${n}`, n);
  const start = (await store.reference("main")).hash;
  await store.createReference("BRANCH", "base", start);
  await store.createReference("BRANCH", "etl", start);
  await model.commit(store, "etl", "t2", 10);
  const hash = await model.commit(store, "main", "t0", 20);
  // What the merge makes is dead afterwards, and would be made again by the same merge.
  await store.merge("main", { commit: (await store.resolve("etl")).commit, name: "etl" });
  await store.assignReference("main", hash);
  await store.createReference("BRANCH", "lost", start);
  const dead = await model.commit(store, "lost", "t9", 3);
  model.acknowledged.pop();
  await store.deleteReference("lost");
  return dead;
}

describe.each([
  // The finest steps and the weakest promises are the object store's: what holds there is sampled elsewhere.
  { name: "an object store", newPlace: objectStorePlace, orders: 80, seeds: 30 },
  { name: "SQLite", newPlace: sqlitePlace, orders: 10, seeds: 5 },
  { name: "etcd", newPlace: etcdPlace, orders: 10, seeds: 5 },
])("garbage is collected on $name, and nothing that a ref leads to goes", ({ newPlace, orders, seeds }) => {
  async function once(
    { mover }: Scenario,
    decide: (running: readonly Actor[]) => Decision,
    collectors: readonly string[] = ["collector"],
  ): Promise<Actor[]> {
    const place: Place = newPlace();
    try {
      const model = new Model(place);
      const dead = await prepare(model);
      const programs = {
        mover: (store: VersionStore, actor: Actor) => mover(store, dead, model, actor),
        ...Object.fromEntries(
          collectors.map((name) => [
            name,
            (store: VersionStore, actor: Actor) =>
              // The other one spares all that a log names.
              model.collect(store, actor, name === "collector" ? undefined : new Date(0)),
          ]),
        ),
      };
      // A request of a process that died may arrive when others have done the same again.
      return await model.run(programs, decide, async (store) => {
        const source = (await store.resolve("etl")).commit;
        await store.merge("main", { commit: source, name: "etl" });
        await model.commit(store, "main", "t0", 99);
        await store.merge("main", { commit: await commitAt(store, dead), name: dead });
      });
    } finally {
      await place.dispose();
    }
  }

  describe.each(scenarios)("while $does", (scenario) => {
    test("in every order with two changes of turn", async () => {
      const [alone] = await once(scenario, switching("mover", 1000, 0));
      const moverSteps = (alone as Actor).steps;
      const [, collector] = await once(scenario, switching("collector", 1000, 0));
      const collectorSteps = (collector as Actor).steps;
      expect(moverSteps * collectorSteps).toBeGreaterThan(10);
      const stride = Math.max(1, Math.round((moverSteps * collectorSteps * 2) / (orders * SCALE)));
      let order = 0;
      for (let i = 0; i <= collectorSteps; i++) {
        for (let j = 1; j <= moverSteps; j++) {
          if (order++ % stride === 0) await once(scenario, switching("collector", i, j));
          if (order++ % stride === 0) await once(scenario, switching("mover", j, i));
        }
      }
    });

    test("after a collector that died at any of its steps, and one that spares more", async () => {
      const [, collector] = await once(scenario, switching("collector", 1000, 0));
      const steps = (collector as Actor).steps;
      for (let step = 0; step < steps; step += orders < 50 ? 4 : 1)
        await once(scenario, dying("collector", step, "another"), ["collector", "another"]);
    });

    test("in random orders, with processes that die, and a second collector", async () => {
      for (let seed = 1; seed <= seeds * SCALE; seed++) {
        const collectors = seed % 2 === 0 ? ["collector"] : ["collector", "another"];
        await once(scenario, shuffled(seed, seed % 3 === 0 ? 0 : 0.02), collectors).catch(
          (error: unknown) => {
            throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
          },
        );
      }
    });
  });
});
