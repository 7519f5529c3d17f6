import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { defineSchema, long } from "../../../lib/lakehouse/iceberg/index.js";
import { started } from "../support/served.js";

const page = { headers: { accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8" } };
const secure = { auth: { tokens: ["letmein"], clients: { ada: "lovelace" } } };

describe("the page at /", () => {
  test("is HTML for browsers and JSON for others, with the same in both", async () => {
    const { server, catalog } = await started();
    await catalog.createNamespace("s");
    await catalog.createTable("s.flights", { schema: defineSchema({ id: long() }) });
    await catalog.createBranch("etl");
    await catalog.createTag("v1");
    const json = await fetch(server.uri);
    expect(json.headers.get("content-type")).toContain("application/json");
    const answer = (await json.json()) as { attach: Record<string, string> };
    expect(answer).toMatchObject({
      uri: server.uri,
      access: "open",
      warehouse: "lakehouse",
      "default-branch": "main",
      branches: ["etl", "main"],
      tags: ["v1"],
      tables: ["s.flights"],
      "is-cut": false,
    });
    expect(Object.keys(answer.attach)).toEqual(["pyiceberg", "duckdb", "spark", "trino"]);
    const html = await fetch(server.uri, page);
    expect(html.headers.get("content-type")).toContain("text/html");
    const text = await html.text();
    for (const each of [server.uri, "s.flights", "etl", "v1"]) expect(text).toContain(each);
    expect((await fetch(server.uri, { ...page, method: "HEAD" })).status).toBe(200);
  });

  test("shows names to those alone who are let in, and nobody a secret or where the files are", async () => {
    const { server, catalog, directory } = await started({
      ...secure,
      warehouseName: "hidden",
      clientCredentials: { "s3.secret-access-key": "s3cret" },
    });
    await catalog.createNamespace("hidden");
    await catalog.createBranch("hidden-branch");
    const ask = async (authorization?: string) => {
      const headers = { ...page.headers, ...(authorization !== undefined && { authorization }) };
      const answers = [
        await fetch(server.uri, { headers }),
        await fetch(server.uri, { headers: { ...headers, accept: "*/*" } }),
      ];
      return [
        answers[0]?.status,
        (await Promise.all(answers.map((each) => each.text()))).join("\n"),
      ] as const;
    };
    const [status, outside] = await ask();
    expect(status).toBe(200);
    expect(outside).not.toContain("hidden");
    const [inside, within] = await ask("Bearer letmein");
    expect([inside, within.includes("hidden-branch")]).toEqual([200, true]);
    for (const text of [outside, within])
      for (const secret of ["letmein", "lovelace", "s3cret", directory]) expect(text).not.toContain(secret);
    expect((await ask("Bearer wrong"))[0]).toBe(401);
  });

  test("names the address that the client used, and repeats no host that is none", async () => {
    const { server } = await started(secure);
    const uriFor = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve, reject) => {
        request(server.uri, { headers }, async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk as Buffer);
          resolve(JSON.parse(Buffer.concat(chunks).toString()).uri);
        })
          .on("error", reject)
          .end();
      });
    expect(await uriFor({ host: "lake.example:9000" })).toBe("http://lake.example:9000");
    expect(await uriFor({ host: "[::1]:9000" })).toBe("http://[::1]:9000");
    expect(await uriFor({ host: "lake.example", "x-forwarded-proto": "https" })).toBe("https://lake.example");
    for (const host of [
      "a'); DROP TABLE t; --",
      '"><script>alert(1)</script>',
      "a@b",
      "a b",
      "a/b",
      "a:b",
      "-",
    ])
      expect(await uriFor({ host, "x-forwarded-proto": "javascript" })).toBe(server.uri);
  });

  test("has names as text, asks nothing of other sites and runs no script", async () => {
    const { server, catalog } = await started();
    await catalog.createNamespace("s");
    const schema = defineSchema({ id: long() });
    await catalog.createTable({ namespace: ["s"], name: '<img src="x">&\u202e' }, { schema });
    const response = await fetch(server.uri, page);
    const text = await response.text();
    expect(text).toContain("s.&#60;img src=&#34;x&#34;&#62;&#38;\\u202e");
    expect(text).not.toMatch(/<script|<img|<link|url\(|@import|\son\w+=/i);
    expect(response.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-/,
    );
  });

  test("shows the first of very many, and says so", async () => {
    const { server, catalog } = await started();
    for (let n = 0; n < 201; n++) await catalog.createBranch(`b${n}`);
    expect(await (await fetch(server.uri)).json()).toMatchObject({ "is-cut": true });
  });
});
