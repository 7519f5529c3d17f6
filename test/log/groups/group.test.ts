import { describe, expect, test } from "vitest";
import { code, Room } from "./room.js";

describe("members join", () => {
  test("one after the other within the delay of an empty group, and are one generation", async () => {
    const room = new Room();
    const first = room.join();
    await room.pass(50);
    const second = room.join();
    await room.pass(300);
    const [a, b] = [await first, await second];
    expect([a.generation, b.generation]).toEqual([1, 1]);
    expect(a.leader).toBe(a.memberId);
    expect(a.members.map(({ memberId }) => memberId)).toEqual([a.memberId, b.memberId]);
    expect(b).toMatchObject({ leader: a.memberId, members: [] });
    expect(room.group.state).toBe("CompletingRebalance");
    const synced = [room.sync(b), room.sync(a, { [b.memberId]: "all of it" })];
    expect(await Promise.all(synced)).toMatchObject([
      { assignment: new Uint8Array(Buffer.from("all of it")) },
      { assignment: new Uint8Array(Buffer.from(a.memberId)) },
    ]);
    expect(room.group.describe()).toMatchObject({ state: "Stable", generation: 1, protocol: "range" });
  });

  test("a group that is stable: all join again, and get the next generation", async () => {
    const room = new Room();
    const [a] = await room.stable(1);
    const joining = room.join();
    await room.quiet();
    expect(() => room.group.heartbeat(a as never)).toThrow(
      expect.objectContaining(code("REBALANCE_IN_PROGRESS")),
    );
    const again = await room.join({ memberId: a?.memberId ?? "" });
    expect(again.generation).toBe(2);
    expect((await joining).generation).toBe(2);
  });

  test("by an id that they are given first, which is forgotten with its session", async () => {
    const room = new Room();
    const refused = await room.join({ needsMemberId: true }).catch((error) => error);
    expect(refused).toMatchObject({ ...code("MEMBER_ID_REQUIRED"), subject: "c-1" });
    const joining = room.join({ memberId: "c-1", needsMemberId: true });
    await room.pass(100);
    expect(await joining).toMatchObject({ memberId: "c-1", generation: 1 });
    await room.join({ needsMemberId: true }).catch(() => undefined);
    await room.pass(10_001);
    await expect(room.join({ memberId: "c-2" })).rejects.toMatchObject(code("UNKNOWN_MEMBER_ID"));
  });

  test("and an id that was given out is waited for, as long as its session", async () => {
    const room = new Room();
    const [a] = await room.stable(1, { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 60_000 });
    await room.join({ needsMemberId: true }).catch(() => undefined);
    const again = room.join({
      memberId: a?.memberId ?? "",
      protocols: [{ name: "range", metadata: Buffer.from("other") }],
    });
    await room.pass(9_000);
    expect(room.group.state).toBe("PreparingRebalance");
    await room.pass(1_001);
    expect((await again).generation).toBe(2);
  });

  test("only with a protocol that all know, and of the group's type", async () => {
    const room = new Room();
    await room.stable(2);
    const sticky = [{ name: "sticky", metadata: Buffer.from("s") }];
    for (const request of [
      { protocols: sticky },
      { protocols: [] },
      { protocolType: "connect" },
      { protocolType: "" },
    ])
      await expect(room.join(request)).rejects.toMatchObject(code("INCONSISTENT_GROUP_PROTOCOL"));
    expect(room.group.state).toBe("Stable");
  });

  test("and use the protocol that most would rather have of those that all know", async () => {
    const room = new Room();
    const named = (...names: string[]) => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    });
    const joining = [
      room.join(named("a", "b", "c")),
      room.join(named("b", "c")),
      room.join(named("x", "c", "b")),
    ];
    await room.pass(1_000);
    for (const joined of await Promise.all(joining)) expect(joined.protocol).toBe("b");
  });

  test("but not more than the group takes, nor with a session that it does not", async () => {
    const room = new Room();
    await room.stable(3);
    await expect(room.join()).rejects.toMatchObject(code("GROUP_MAX_SIZE_REACHED"));
    for (const sessionTimeoutMs of [999, 60_001])
      await expect(room.join({ sessionTimeoutMs })).rejects.toMatchObject(code("INVALID_SESSION_TIMEOUT"));
  });

  test("again with nothing new: who follows gets what there is, and the leader begins anew", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    expect(await room.join({ memberId: b?.memberId ?? "" })).toMatchObject({ generation: 1 });
    expect(room.group.state).toBe("Stable");
    const joining = [room.join({ memberId: a?.memberId ?? "" }), room.join({ memberId: b?.memberId ?? "" })];
    for (const joined of await Promise.all(joining)) expect(joined.generation).toBe(2);
  });

  test("and what is new of them makes the others join again", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    const protocols = [{ name: "range", metadata: Buffer.from("other topics") }];
    void room.join({ memberId: b?.memberId ?? "", protocols });
    await room.quiet();
    expect(room.group.state).toBe("PreparingRebalance");
    const again = await room.join({ memberId: a?.memberId ?? "" });
    expect(again.members.map(({ metadata }) => Buffer.from(metadata).toString())).toEqual([
      "m",
      "other topics",
    ]);
  });
});

describe("members are out", () => {
  test("when they are silent for a session, and the rest joins again", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    await room.pass(6_000);
    room.group.heartbeat(a as never);
    await room.pass(5_000);
    expect(room.group.state).toBe("PreparingRebalance");
    expect(() => room.group.heartbeat(b as never)).toThrow(
      expect.objectContaining(code("UNKNOWN_MEMBER_ID")),
    );
    expect(await room.join({ memberId: a?.memberId ?? "" })).toMatchObject({ generation: 2 });
  });

  test("when they do not join again in time, though they send heartbeats", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    const again = room.join({ memberId: a?.memberId ?? "" });
    for (let i = 0; i < 4; i++) {
      await room.pass(5_000);
      if (i < 3)
        expect(() => room.group.heartbeat(b as never)).toThrow(
          expect.objectContaining(code("REBALANCE_IN_PROGRESS")),
        );
    }
    expect(await again).toMatchObject({ generation: 2, members: [{ memberId: a?.memberId }] });
    expect(() => room.group.heartbeat(b as never)).toThrow(
      expect.objectContaining(code("UNKNOWN_MEMBER_ID")),
    );
  });

  test("when they lead, and never say who gets what: the rest begins anew without them", async () => {
    const room = new Room();
    const joining = [room.join(), room.join()];
    await room.pass(200);
    const [a, b] = await Promise.all(joining);
    const synced = room.sync(b as never);
    // The leader is alive, and gives nothing.
    for (let i = 0; i < 4; i++) {
      room.group.heartbeat(a as never);
      await room.pass(5_000);
    }
    await expect(synced).rejects.toMatchObject(code("REBALANCE_IN_PROGRESS"));
    expect(() => room.group.heartbeat(a as never)).toThrow(
      expect.objectContaining(code("UNKNOWN_MEMBER_ID")),
    );
    expect(await room.join({ memberId: b?.memberId ?? "" })).toMatchObject({
      generation: 2,
      leader: b?.memberId,
    });
  });

  test("when they leave, each with an answer of its own; the last leaves an empty group of a new generation", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    const left = room.group.leave([{ memberId: a?.memberId ?? "" }, { memberId: "nobody" }]);
    expect(left.map(({ error }) => error?.code)).toEqual([undefined, "UNKNOWN_MEMBER_ID"]);
    room.group.leave([{ memberId: b?.memberId ?? "" }]);
    await room.quiet();
    expect(room.group.describe()).toMatchObject({ state: "Empty", generation: 2, members: [] });
    expect(room.saved.at(-1)).toMatchObject({ generation: 2, members: [] });
  });

  test("when they wait to join, and leave", async () => {
    const room = new Room();
    await room.stable(1);
    const joining = room.join();
    await room.quiet();
    room.group.leave([{ memberId: "c-2" }]);
    await expect(joining).rejects.toMatchObject(code("UNKNOWN_MEMBER_ID"));
  });
});

describe("a static member", () => {
  const instance = (instanceId: string, more: object = {}) => ({ instanceId, ...more });

  test("that comes back gets what it had, and nobody else hears of it", async () => {
    const room = new Room();
    const joining = [room.join(instance("i")), room.join(instance("j"))];
    await room.pass(1_000);
    const [i, j] = await Promise.all(joining);
    await Promise.all([room.sync(i as never), room.sync(j as never, {})]);
    const back = await room.join(instance("j"));
    expect(back).toMatchObject({ generation: 1, leader: i?.memberId });
    expect(back.memberId).not.toBe(j?.memberId);
    expect(room.group.state).toBe("Stable");
    expect(Buffer.from((await room.sync(back)).assignment).toString()).toBe(j?.memberId);
    const old = { ...(j as NonNullable<typeof j>), instanceId: "j" };
    expect(() => room.group.heartbeat(old)).toThrow(expect.objectContaining(code("FENCED_INSTANCE_ID")));
    await expect(room.group.sync({ ...old, assignments: [] })).rejects.toMatchObject(
      code("FENCED_INSTANCE_ID"),
    );
    expect(room.saved.at(-1)?.members.map(({ memberId }) => memberId)).toContain(back.memberId);
  });

  test("that leads and comes back does not assign: the others would never hear of it", async () => {
    const room = new Room();
    const joining = [room.join(instance("i")), room.join(instance("j"))];
    await room.pass(1_000);
    const [i, j] = await Promise.all(joining);
    await Promise.all([room.sync(i as never), room.sync(j as never)]);
    const back = await room.join(instance("i"));
    expect(back).toMatchObject({ generation: 1, leader: i?.memberId, members: [], skipAssignment: false });
    const later = await room.join(instance("i", { maySkipAssignment: true }));
    expect(later).toMatchObject({ leader: later.memberId, skipAssignment: true });
    expect(later.members).toHaveLength(2);
  });

  test("that waits to join is told that another took its place", async () => {
    const room = new Room();
    const joining = room.join(instance("i"));
    await room.quiet();
    const other = room.join(instance("i"));
    await expect(joining).rejects.toMatchObject(code("FENCED_INSTANCE_ID"));
    await room.pass(500);
    expect((await other).members).toHaveLength(1);
  });

  test("has its session to join again, and an administrator can make it leave by its instance", async () => {
    const room = new Room();
    const joining = [room.join(instance("i", { sessionTimeoutMs: 60_000 })), room.join()];
    await room.pass(1_000);
    const [, b] = await Promise.all(joining);
    await Promise.all((await Promise.all(joining)).map((one) => room.sync(one)));
    const again = room.join({
      memberId: b?.memberId ?? "",
      protocols: [{ name: "range", metadata: Buffer.from("o") }],
    });
    await room.pass(20_000);
    // It is in the generation, though it did not join.
    expect(await again).toMatchObject({ generation: 2, leader: b?.memberId });
    expect((await again).members).toHaveLength(2);
    expect(room.group.leave([{ memberId: "", instanceId: "i" }])[0]?.error).toBeUndefined();
    expect(room.group.leave([{ memberId: "", instanceId: "i" }])[0]?.error?.code).toBe("UNKNOWN_MEMBER_ID");
  });
});

describe("a group", () => {
  test("is as it was after a restart: generation, members and what they have", async () => {
    const room = new Room();
    const [a, b] = await room.stable(2);
    const after = new Room({}, room.saved.at(-1));
    expect(after.group.describe()).toEqual(room.group.describe());
    after.group.heartbeat(b as never);
    expect(
      Buffer.from(
        (await after.sync({ ...(a as never as object), members: [] } as never)).assignment,
      ).toString(),
    ).toBe(a?.memberId);
    await after.pass(10_001);
    expect(after.group.describe()).toMatchObject({ state: "Empty", generation: 2 });
  });

  test("waits after a restart for no reader of the process that is over, only for those on other machines and static ones", async () => {
    const here = { clientHost: "" };
    const alone = new Room();
    await alone.stable(2, here);
    const empty = new Room({}, alone.saved.at(-1));
    expect(empty.group.describe()).toMatchObject({ state: "Empty", generation: 2, members: [] });
    expect(empty.group.kill()).toBe(true);

    const mixed = new Room();
    const joining = [mixed.join(here), mixed.join()];
    await mixed.pass(300);
    for (const one of await Promise.all(joining)) await mixed.sync(one);
    const after = new Room({}, mixed.saved.at(-1));
    const { state, members } = after.group.describe();
    expect(state).toBe("PreparingRebalance");
    expect(members.map(({ clientHost }) => clientHost)).toEqual(["/127.0.0.1"]);

    const fixed = new Room();
    await fixed.stable(1, { ...here, instanceId: "i" });
    expect(new Room({}, fixed.saved.at(-1)).group.describe().state).toBe("Stable");
  });

  test("never gives a generation again that somebody may have heard of", async () => {
    const room = new Room();
    await room.stable(1);
    const joining = room.join();
    await room.pass(10_001);
    expect((await joining).generation).toBe(2);
    // The process ends before the leader has assigned.
    const after = new Room({}, room.saved.at(-1));
    const [joined] = await after.stable(1);
    expect(joined?.generation).toBe(3);
  });

  test("tells those who join when its generation cannot be saved, and lets them join again", async () => {
    const room = new Room();
    room.failure = new Error("the disk is full");
    const joining = room.join();
    await room.pass(1_000);
    await expect(joining).rejects.toThrow("the disk is full");
    const [again] = await room.stable(1);
    expect(again?.generation).toBe(1);
  });

  test("tells those who sync when their assignment cannot be saved", async () => {
    const room = new Room();
    const joining = room.join();
    await room.pass(1_000);
    const joined = await joining;
    room.failure = new Error("the disk is full");
    await expect(room.sync(joined)).rejects.toThrow("the disk is full");
    expect(room.group.state).toBe("PreparingRebalance");
    const again = await room.join({ memberId: joined.memberId });
    await room.sync(again);
    expect(room.group.describe()).toMatchObject({ state: "Stable", generation: 2 });
  });

  test("takes commits of its members in their generation, and of nobody only while it is empty", async () => {
    const room = new Room();
    const nobody = { memberId: "", generation: -1 };
    room.group.checkCommit(nobody, false);
    const [a] = await room.stable(1);
    room.group.checkCommit(a as never, false);
    const refused = [
      [nobody, false, "UNKNOWN_MEMBER_ID"],
      [{ memberId: a?.memberId ?? "", generation: 0 }, false, "ILLEGAL_GENERATION"],
      [{ memberId: "nobody", generation: 1 }, true, "UNKNOWN_MEMBER_ID"],
    ] as const;
    for (const [by, isTransactional, why] of refused)
      expect(() => room.group.checkCommit(by, isTransactional)).toThrow(expect.objectContaining(code(why)));
    room.group.checkCommit(nobody, true);
    // While others join, what was read before is still committed.
    void room.join();
    room.group.checkCommit(a as never, false);
    const again = await room.join({ memberId: a?.memberId ?? "" });
    expect(() => room.group.checkCommit(again, false)).toThrow(
      expect.objectContaining(code("REBALANCE_IN_PROGRESS")),
    );
  });
});
