import { defineSchema, int, long, string, timestamp } from "../../../lib/lakehouse/iceberg/index.js";

export const flights = defineSchema({
  id: long(),
  date: timestamp(),
  origin: string(),
  delay: int().optional(),
});

/** `perDay` flights on days of January 2001; ids are a thousand times the day, and on. */
export function flightRows(days: readonly number[], perDay: number) {
  return days.flatMap((d) =>
    Array.from({ length: perDay }, (_, i) => ({
      id: d * 1000 + i,
      date: `2001-01-0${d}T${String(i % 24).padStart(2, "0")}:00:00`,
      origin: ["ATL", "JFK", "ORD"][i % 3] as string,
      delay: i % 5 === 0 ? null : i - 20,
    })),
  );
}
