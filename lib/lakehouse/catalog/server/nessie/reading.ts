import type { JsonInput } from "../../../iceberg/index.js";
import type { Entry } from "../../model/content.js";
import { type ContentKey, encodeKey, keyPrefix } from "../../model/content.js";
import type { Place, ResolvedPlace } from "../../model/versions.js";
import { commitMetaToJson, contentToJson, operationToJson, referenceToJson } from "../../wire/nessie/json.js";
import { keyFromJson, keyToJson, keyToPath } from "../../wire/nessie/keys.js";
import {
  bodyOf,
  contentsAt,
  flagOf,
  keyOf,
  keysOf,
  limitOf,
  type NessieCall,
  type NessieOperation,
  queryOf,
  resolved,
} from "./call.js";
import { commitFilter, entryFilter, keyFilter } from "./filters.js";
import { badRequest, noContent } from "./nessie-fault.js";
import { pageToJson, toPage } from "./pages.js";

/** Commits in one answer, at most. */
const LOG_PAGE = 250;

export const readingOperations: readonly NessieOperation[] = [
  {
    endpoint: "GET /trees/{ref}/history",
    async run(call) {
      const token = queryOf(call, "page-token");
      const limitHash = queryOf(call, "limit-hash");
      const { commit } = await (token ? call.versions.resolve(`@${token}`) : resolved(call));
      const matches = commitFilter(queryOf(call, "filter"));
      const page = await call.versions.log(commit, {
        limit: limitOf(call, LOG_PAGE),
        stopAt: limitHash ? (await call.versions.resolve(`@${limitHash}`)).commit.hash : undefined,
        matches,
      });
      const isAll = queryOf(call, "fetch")?.toUpperCase() === "ALL";
      const logEntries = page.items.map((item) => ({
        commitMeta: commitMetaToJson(item),
        parentCommitHash: item.parents[0] ?? null,
        operations: isAll ? item.operations.map(operationToJson) : null,
      }));
      return { ...pageToJson(page), logEntries };
    },
  },
  {
    endpoint: "GET /trees/{ref}/entries",
    async run(call) {
      const place = await resolved(call);
      const filter = entryFilter(queryOf(call, "filter"));
      const wanted = (async function* () {
        for await (const { key, content } of selectedEntries(call, place.commit)) {
          if (filter?.({ key, type: content.type, id: content.id }) ?? true) yield { key, content };
        }
      })();
      const page = await toPage(wanted, limitOf(call), ({ key }) => keyToPath(key));
      const withContent = flagOf(call, "content");
      const entries = page.items.map(({ key, content }) => ({
        type: content.type,
        name: keyToJson(key),
        contentId: content.id,
        content: withContent ? contentToJson(content, key) : null,
      }));
      return { ...pageToJson(page), entries, effectiveReference: effective(place) };
    },
  },
  {
    endpoint: "GET /trees/{ref}/contents/{key}",
    async run(call) {
      const key = keyOf(call.params[1] ?? "");
      const place = await resolved(call);
      const content = await call.versions.content(place.commit, key);
      if (content === undefined) throw noContent(key, call.params[0] ?? "");
      return { content: contentToJson(content, key), effectiveReference: effective(place) };
    },
  },
  {
    endpoint: "GET /trees/{ref}/contents",
    run: (call) => severalContents(call, keysOf(call, "key")),
  },
  {
    endpoint: "POST /trees/{ref}/contents",
    run: (call) => severalContents(call, bodyOf(call).get("requestedKeys").array().map(keyFromJson)),
  },
  {
    endpoint: "GET /trees/{ref}/diff/{ref}",
    async run(call) {
      const [from, to] = [await resolved(call, 0), await resolved(call, 1)];
      const isWanted = keySelection(call);
      const filter = keyFilter(queryOf(call, "filter"));
      const differences = (async function* () {
        for await (const difference of call.versions.diff(from.commit, to.commit)) {
          if (isWanted(difference.key) && (filter?.(difference.key) ?? true)) yield difference;
        }
      })();
      const page = await toPage(differences, limitOf(call), ({ key }) => keyToPath(key));
      const diffs = page.items.map(({ key, from: left, to: right }) => ({
        key: keyToJson(key),
        from: left === undefined ? null : contentToJson(left, key),
        to: right === undefined ? null : contentToJson(right, key),
      }));
      return {
        ...pageToJson(page),
        diffs,
        effectiveFromReference: effective(from),
        effectiveToReference: effective(to),
      };
    },
  },
];

/** The reference of an answer, at the commit that was read. */
function effective({ reference, commit: { hash } }: ResolvedPlace): JsonInput {
  return referenceToJson(reference === undefined ? { type: "DETACHED", hash } : { ...reference, hash });
}

async function severalContents(call: NessieCall, keys: readonly ContentKey[]): Promise<JsonInput> {
  const place = await resolved(call);
  const found = await contentsAt(call, place.commit, keys);
  const contents = keys.flatMap((key, i) => {
    const content = found[i];
    return content === undefined ? [] : [{ key: keyToJson(key), content: contentToJson(content, key) }];
  });
  return { contents, effectiveReference: effective(place) };
}

/** Which keys a request is about: `key`, `prefix-key`, or `min-key` and `max-key`; and those behind its page token. */
interface KeyRange {
  readonly keys: readonly ContentKey[];
  readonly min: ContentKey | undefined;
  readonly max: ContentKey | undefined;
  /** It, and all that lies in it. */
  readonly prefix: ContentKey | undefined;
  readonly after: ContentKey | undefined;
}

function rangeOf(call: NessieCall): KeyRange {
  const key = (name: string): ContentKey | undefined => {
    const text = queryOf(call, name);
    return text ? keyOf(text) : undefined;
  };
  const range = {
    keys: keysOf(call, "key"),
    min: key("min-key"),
    max: key("max-key"),
    prefix: key("prefix-key"),
    after: key("page-token"),
  };
  if (range.prefix !== undefined && (range.min ?? range.max) !== undefined) {
    throw badRequest("Combining prefix-key with either min-key or max-key is not supported.");
  }
  return range;
}

function keySelection(call: NessieCall): (key: ContentKey) => boolean {
  const { keys, min, max, prefix, after } = rangeOf(call);
  const named = new Set(keys.map(encodeKey));
  return (key) => {
    const encoded = encodeKey(key);
    return (
      (named.size === 0 || named.has(encoded)) &&
      (min === undefined || encoded >= encodeKey(min)) &&
      (max === undefined || encoded <= encodeKey(max)) &&
      (prefix === undefined || encoded === encodeKey(prefix) || encoded.startsWith(keyPrefix(prefix))) &&
      (after === undefined || encoded > encodeKey(after))
    );
  };
}

/** The entries of a request, by key. What lies outside of its range is not read. */
async function* selectedEntries(call: NessieCall, place: Place): AsyncGenerator<Entry> {
  const { versions } = call;
  const { keys, min, max, prefix, after } = rangeOf(call);
  const isWanted = keySelection(call);
  if (keys.length > 0) {
    const sorted = keys.filter(isWanted).sort((a, b) => (encodeKey(a) < encodeKey(b) ? -1 : 1));
    const contents = await contentsAt(call, place, sorted);
    for (const [i, key] of sorted.entries()) {
      const content = contents[i];
      if (content !== undefined) yield { key, content };
    }
    return;
  }
  const first = after === undefined ? (prefix ?? min) : undefined;
  const content = first && (await versions.content(place, first));
  if (first !== undefined && content !== undefined && isWanted(first)) yield { key: first, content };
  for await (const entry of versions.entries(place, prefix, after ?? min)) {
    if (max !== undefined && encodeKey(entry.key) > encodeKey(max)) return;
    yield entry;
  }
}
