/** A record in hexadecimal, as the clients in other languages give it. */
export interface PlainRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
}

export const hex = (content: Uint8Array | null | undefined) =>
  content == null ? null : Buffer.from(content).toString("hex");

export const bytes = (content: string | null) => (content === null ? null : Buffer.from(content, "hex"));

export const text = (content: string) => Buffer.from(content).toString("hex");

/** What is most often got wrong, and enough of the usual for a codec to save something. */
export const RECORDS: readonly PlainRecord[] = [
  { key: null, value: text("a"), headers: [] },
  {
    key: text("k"),
    value: null,
    headers: [
      ["h", text("v")],
      ["none", null],
    ],
  },
  { key: text(""), value: text(""), headers: [["", text("")]] },
  { key: text("naïve ключ"), value: text("long ".repeat(50_000)), headers: [] },
  ...Array.from({ length: 200 }, (_, i) => ({
    key: text(`${i % 7}`),
    value: text(`{"id":${i}}`),
    headers: [],
  })),
].map(
  (record, i) =>
    ({ ...record, offset: i, timestamp: 1_700_000_000_000 + 7 * i - (i === 3 ? 5_000 : 0) }) as PlainRecord,
);
