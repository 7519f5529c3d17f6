import { createInterface } from "node:readline/promises";

/** Asks on the terminal; an empty answer is the one that is proposed. */
export async function ask(question: string, proposed: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await lines.question(`${question} (${proposed}): `)).trim() || proposed;
  } finally {
    lines.close();
  }
}
