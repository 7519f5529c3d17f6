import type { Lakehouse } from "sololakehouse";

/** Opens the lakehouse of the current profile for a command, and closes it whatever happens. */
export async function withLake(work: (lake: Lakehouse) => Promise<void>): Promise<void> {
  const { openLakehouse } = await import("sololakehouse");
  const lake = await openLakehouse();
  try {
    await work(lake);
  } finally {
    await lake.close();
  }
}
