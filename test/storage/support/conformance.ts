import { afterAll, beforeAll, beforeEach, describe } from "vitest";
import { conditionalPuts } from "./conformance/conditional-puts.js";
import { keys } from "./conformance/keys.js";
import { largeBodies } from "./conformance/large-bodies.js";
import { listing } from "./conformance/listing.js";
import { nestedKeys } from "./conformance/nested-keys.js";
import { objects } from "./conformance/objects.js";
import { ranges } from "./conformance/ranges.js";
import { type Made, Subject } from "./conformance/subject.js";

/**
 * What every ObjectStore must do. `makeStore` is called once. `gaps` names tests that the service behind the store
 * fails by its own fault: they are skipped, visibly.
 */
export function conformance(
  name: string,
  makeStore: () => Promise<Made>,
  gaps: readonly string[] = [],
): void {
  describe(`ObjectStore: ${name}`, () => {
    const subject = new Subject();
    beforeAll(() => subject.make(makeStore));
    afterAll(() => subject.dispose());
    beforeEach(({ task, skip }) => {
      if (gaps.includes(task.name)) skip(`an S3 server that can do what ${name} cannot`);
    });

    for (const topic of [objects, ranges, conditionalPuts, largeBodies, keys, nestedKeys, listing])
      topic(subject);
  });
}
