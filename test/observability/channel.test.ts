import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { eventChannel } from "sololakehouse/observability";
import { expect, expectTypeOf, test } from "vitest";

interface Landed {
  readonly flight: string;
  readonly delay: number;
}

test("a channel has subscribers only while somebody listens", () => {
  const landed = eventChannel<Landed>("test.landed");
  expect(landed.hasSubscribers).toBe(false);
  const heard: Landed[] = [];
  const end = landed.subscribe((event) => {
    expectTypeOf(event).toEqualTypeOf<Landed>();
    heard.push(event);
  });
  expect(landed.hasSubscribers).toBe(true);
  landed.publish({ flight: "LH1", delay: 4 });
  end();
  landed.publish({ flight: "LH2", delay: 0 });
  expect(landed.hasSubscribers).toBe(false);
  expect(heard).toEqual([{ flight: "LH1", delay: 4 }]);
});

test("whoever knows the name can listen by Node's own means", () => {
  const landed = eventChannel<Landed>("test.named");
  expect(landed.name).toBe("sololakehouse:test.named");
  const heard: unknown[] = [];
  const listener = (event: unknown) => void heard.push(event);
  subscribe("sololakehouse:test.named", listener);
  expect(landed.hasSubscribers).toBe(true);
  landed.publish({ flight: "LH1", delay: 4 });
  unsubscribe("sololakehouse:test.named", listener);
  expect(heard).toEqual([{ flight: "LH1", delay: 4 }]);
});
