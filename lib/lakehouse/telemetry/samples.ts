import { invalidArgument } from "../errors.js";
import { printable } from "../terminal/index.js";

/** A number that a server tells. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** What a server's `/metrics` says, without the single buckets of histograms. @throws LakehouseError INVALID_ARGUMENT */
export async function readSamples(url: string, token: string | undefined): Promise<Sample[]> {
  const text = await fetched(url, token);
  return text.split("\n").flatMap((line) => {
    const [, name, labels = "", value] = LINE.exec(line) ?? [];
    if (name === undefined || name.endsWith("_bucket")) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, label, quoted]) => [
      label as string,
      unquoted(quoted as string),
    ]);
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }];
  });
}

async function fetched(url: string, token: string | undefined): Promise<string> {
  const refuse = (why: string, cause?: unknown) =>
    invalidArgument(
      url,
      `No metrics can be had from ${url}: ${why}.`,
      "Give the address of a server that was started with --telemetry.",
      cause,
    );
  if (!URL.canParse("/metrics", url) || !/^https?:/.test(url)) throw refuse("it is no address");
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  let response: Response;
  try {
    response = await fetch(new URL("/metrics", url), { headers, signal: AbortSignal.timeout(10_000) });
  } catch (cause) {
    const { cause: inner, message } = cause as Error & { cause?: Error };
    throw refuse(inner?.message || message, cause);
  }
  if (response.status === 401) throw refuse("it demands a token, which SLH_TELEMETRY_TOKEN is to have");
  if (!response.ok) throw refuse(`it answers ${response.status}`);
  return response.text();
}

/** Someone else's server: what it says goes to a terminal. */
function unquoted(text: string): string {
  return printable(text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter)));
}
