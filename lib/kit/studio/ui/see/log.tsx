import type { LogState } from "../../contract.js";
import { bytes, count, counted } from "../base/figures.js";

/** The log: for each partition its segments, as wide as they are large. */
export function LogView({ log: { topics } }: { readonly log: LogState }) {
  return (
    <section>
      <h3>Log</h3>
      {topics.map(({ name, partitions }) => (
        <div key={name} class="topic">
          <p>
            <code>{name}</code>
          </p>
          {partitions.map(({ partition, start, end, segments }) => {
            const total = segments.reduce((sum, segment) => sum + segment.bytes, 0);
            return (
              <div key={partition} class="partition">
                <span class="num">{partition}</span>
                <div
                  class="segments"
                  role="img"
                  aria-label={`Partition ${partition}: ${counted(segments.length, "segment")}, ${bytes(total)}`}
                >
                  {segments.map((segment) => (
                    <span
                      key={segment.key}
                      style={{ flexGrow: String(Math.max(segment.bytes / Math.max(1, total), 0.01)) }}
                      title={`${segment.key}: from offset ${count(segment.base)}, ${counted(segment.records, "record")}, ${bytes(segment.bytes)}`}
                    />
                  ))}
                </div>
                <span class="offsets">
                  {count(start)} to {count(end)}
                </span>
              </div>
            );
          })}
        </div>
      ))}
    </section>
  );
}
