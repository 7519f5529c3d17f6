/** What a server answered, in terms that two servers share. */
export interface TwinAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** The names that one server gave: its hashes and ids, in the order in which they showed first. */
class Names {
  readonly #given = new Map<"hash" | "id", string[]>([
    ["hash", []],
    ["id", []],
  ]);

  /** `<hash 3>`, `<id 1>` */
  name(kind: "hash" | "id", value: string): string {
    const values = this.#given.get(kind) as string[];
    if (!values.includes(value)) values.push(value);
    return `<${kind} ${values.indexOf(value) + 1}>`;
  }

  value(kind: "hash" | "id", place: number): string {
    return this.#given.get(kind)?.[place - 1] ?? `no ${kind} ${place}`;
  }
}

/** Of these only that they are there is the same. */
const OWN = new Set(["message", "token", "committer", "commitConsistency", "commitTime", "authorTime"]);

/**
 * Sends the same requests to two servers. In a request `{3}` is the third commit that was made and `<id 3>` the third
 * content id that was given, of each server its own; answers are compared with hashes and ids numbered so.
 */
export class Twin {
  readonly differences: { request: string; theirs: TwinAnswer; ours: TwinAnswer }[] = [];
  requests = 0;
  readonly #bases: readonly [string, string];
  /** The commits that each server made, in order. */
  readonly #commits: readonly [string[], string[]] = [[], []];
  readonly #names = [new Names(), new Names()] as const;

  /** @param bases theirs, ours */
  constructor(bases: readonly [string, string]) {
    this.#bases = bases;
  }

  get = (path: string) => this.#send("GET", path);
  post = (path: string, body: object) => this.#send("POST", path, body);
  put = (path: string, body: object) => this.#send("PUT", path, body);
  delete = (path: string) => this.#send("DELETE", path);

  async #send(method: string, path: string, body?: object): Promise<TwinAnswer> {
    this.requests += 1;
    const theirs = await this.#sendTo(0, method, path, body);
    const ours = await this.#sendTo(1, method, path, body);
    if (JSON.stringify(theirs) !== JSON.stringify(ours)) {
      this.differences.push({ request: `${method} ${path} ${JSON.stringify(body) ?? ""}`, theirs, ours });
    }
    return ours;
  }

  async #sendTo(server: 0 | 1, method: string, path: string, body?: object): Promise<TwinAnswer> {
    const fill = (text: string) =>
      text
        .replaceAll(
          /%7B(\d+)%7D|\{(\d+)\}/g,
          (_, a, b) => this.#commits[server][Number(a ?? b) - 1] ?? "none",
        )
        .replaceAll(/<id (\d+)>/g, (_, place) => this.#names[server].value("id", Number(place)));
    const response = await fetch(`${this.#bases[server]}/${fill(path)}`, {
      method,
      headers: {
        "nessie-client-spec": "2",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: fill(JSON.stringify(body)) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    // Those of one commit come in no order.
    if (Array.isArray(answer.addedContents))
      answer.addedContents.sort((a, b) => (name(a) < name(b) ? -1 : 1));
    const made =
      (answer.targetBranch as { hash?: string } | undefined)?.hash ??
      (answer.wasApplied === true ? answer.resultantTargetHash : undefined);
    if (typeof made === "string") this.#commits[server].push(made);
    return { status: response.status, body: this.#shared(server, answer) };
  }

  /** The answer without what is each server's own: nulls count as absent, members are sorted. */
  #shared(server: 0 | 1, value: unknown): unknown {
    const names = this.#names[server];
    if (typeof value === "string") {
      return value
        .replaceAll(/\b[0-9a-f]{64}\b/g, (hash) => names.name("hash", hash))
        .replaceAll(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b(?!\.metadata)/g, (id) =>
          names.name("id", id),
        );
    }
    if (Array.isArray(value)) return value.map((item) => this.#shared(server, item));
    if (value === null || typeof value !== "object") return value;
    const members = Object.entries(value)
      .filter(([name, member]) => member !== null && name !== "reason")
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      members.map(([name, member]) => [name, OWN.has(name) ? `<${name}>` : this.#shared(server, member)]),
    );
  }
}

function name({ key }: { readonly key: { readonly elements: readonly string[] } }): string {
  return key.elements.join(".");
}
