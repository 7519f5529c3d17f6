import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { down } from "../down.js";
import { StackHome } from "../home.js";

/** Ports of two stacks are this far apart, up or down: none of one is then one of the other. */
const APART = 500;

/** A stack beside another one, empty, which is stopped and deleted with what it has. */
export async function withSecondStack<T>(
  beside: StackHome,
  work: (home: StackHome) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "slh-drill-"));
  const home = new StackHome(join(folder, "stack"));
  home.setOffset(beside.offset + (beside.offset < APART ? APART : -APART));
  try {
    return await work(home);
  } finally {
    await down(home, () => {}, "at once");
    await rm(folder, { recursive: true, force: true });
  }
}
