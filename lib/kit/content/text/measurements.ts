import { findInsertions, type Problem } from "./insertions.js";
import { blank, placeAt, type Source } from "./source.js";

const NUMBER = String.raw`(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?`;
const TIME = "ns|µs|us|ms|msec|s|secs?|seconds?|milliseconds?|microseconds?|min|mins|minutes?|h|hours?";
const BYTES = "B|bytes?|[kKMGTP]i?B|[kMGT]bps";
const RATE = String.raw`\p{L}+\s?/\s?(?:s|sec|second|min|minute|h|hour)|\p{L}+ (?:per|a) (?:second|minute|hour)`;
const COUNT = "rows?|records?|files?|requests?|commits?|snapshots?|flights?|messages?|points?|times|percent";
const SCALE = "thousand|million|billion";

/**
 * A number with a unit, a ratio, a percentage, a number with a scale word, or a number long enough to be grouped.
 * Names that end in digits (S3, M0, v2, SHA-256) have no such shape.
 */
const MEASUREMENT = new RegExp(
  String.raw`(?<![\p{L}\d_.,/#-])${NUMBER}(?:\s?(?:%|×)|x(?![\p{L}\d])|[\s\u00A0-]?(?:${SCALE})\b(?:\s(?:${COUNT}))?|[\s\u00A0-]?(?:${RATE}|${TIME}|${BYTES}|${COUNT})(?![\p{L}\d])|(?<=,\d{3})(?![\d,.]*\d))`,
  "gu",
);

/**
 * Numbers with units that were typed into prose instead of being pulled from a run. Insertions are not typed. `{{ given "350 MB" }}` says that a number is a definition or a setting, not a result.
 */
export function typedMeasurements(source: Source): Problem[] {
  let prose = source.prose;
  for (const { start, end } of findInsertions(source).insertions) {
    prose = prose.slice(0, start) + blank(prose.slice(start, end)) + prose.slice(end);
  }
  prose = prose
    .replace(/https?:\/\/\S+/g, blank)
    // How long a step of a video takes on stage is planned, not measured.
    .replace(/\bdemo \d+ s\b/g, blank);
  return [...prose.matchAll(MEASUREMENT)].map((match) => ({
    place: placeAt(source, match.index),
    message:
      `"${match[0]}" is typed in. Record it in the notebook and write {{ fact "…" }}; ` +
      `where it is a definition or a setting, {{ given "${match[0]}" }}.`,
  }));
}
