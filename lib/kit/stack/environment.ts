import { stackUnready } from "./errors.js";
import type { StackHome } from "./home.js";
import { lakehouseOn } from "./services/ours.js";

/**
 * The variables by which a program works on the stack's lakehouse.
 *
 * @throws LakehouseError STACK_UNREADY where the stack has never been started.
 */
export function environmentOf(home: StackHome): Readonly<Record<string, string>> {
  const place = home.place("catalog");
  if (place !== undefined) return lakehouseOn(place, "S3");
  throw stackUnready(
    "stack",
    "The stack has never been started here, so there are no secrets yet.",
    "Run slh stack up first.",
  );
}
