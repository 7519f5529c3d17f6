import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { notebookOf } from "../notebook/support/notebooks.js";
import { NOTEBOOK, type Studio, studio, upgrade } from "./support/studio.js";

const READS = [
  "/",
  "/frame",
  "/assets/studio.js",
  "/studio/milestones",
  "/studio/notebooks/m01",
  "/studio/progress",
  "/api",
  "/api/kernels",
  "/api/contents",
  "/nothing",
];
const kernel = (id = "00000000-0000-0000-0000-000000000000") => `/api/kernels/${id}/channels`;

describe("without the token", () => {
  test("nothing answers, in whatever way it is asked", async () => {
    const { bare, port } = await studio(notebookOf("1"));
    for (const path of READS) expect([path, (await bare("GET", path)).status]).toEqual([path, 401]);
    for (const [method, path] of [
      ["POST", "/api/kernels"],
      ["POST", "/studio/keep"],
      ["PUT", `/api/contents/${NOTEBOOK}`],
      ["DELETE", "/api/sessions/1"],
    ] as const)
      expect([path, (await bare(method, path, { origin: `http://127.0.0.1:${port}` }, {})).status]).toEqual([
        path,
        401,
      ]);
    expect(await upgrade(port, kernel(), { origin: `http://127.0.0.1:${port}` })).toBe(401);
    for (const wrong of ["", "token", "token x", "Bearer x", `token ${"0".repeat(48)}`])
      expect((await bare("GET", "/api/kernels", { authorization: wrong })).status).toBe(401);
  });

  test("the address of the studio works once, and the cookie of another start never", async () => {
    const { server, bare, cookie } = await studio(notebookOf("1"));
    const again = await bare("GET", server.openUrl.slice(server.url.length - 1));
    expect({ status: again.status, cookie: again.headers["set-cookie"] }).toEqual({
      status: 401,
      cookie: undefined,
    });
    const other = await studio(notebookOf("1"));
    const renamed = cookie.replace(/\d+=/, `${other.port}=`);
    expect((await other.bare("GET", "/studio/milestones", { cookie: renamed })).status).toBe(401);
  });

  test("the cookie is for this server alone, and out of reach of scripts", async () => {
    const { server, bare, port } = await studio(notebookOf("1"), false);
    const opened = await bare("GET", server.openUrl.slice(server.url.length - 1));
    expect(opened.status).toBe(303);
    expect(opened.headers["set-cookie"]).toEqual([
      expect.stringMatching(new RegExp(`^slh-studio-${port}=\\S{43}; HttpOnly; SameSite=Strict; Path=/$`)),
    ]);
    expect((await bare("GET", "/?token=")).status).toBe(401);
  });
});

describe("a page of another site", () => {
  const strangers = (port: number) => [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: `http://127.0.0.1:${port + 1}` },
    { origin: `http://localhost:${port}` },
    { origin: `https://127.0.0.1:${port}` },
  ];

  test("changes nothing, though the browser sent the cookie along", async () => {
    const { bare, cookie, port, ask } = await studio(notebookOf("1"));
    for (const stranger of strangers(port)) {
      const answer = await bare("POST", "/api/kernels", { cookie, ...stranger }, {});
      expect([stranger, answer.status]).toEqual([stranger, 403]);
    }
    // No page in a browser leaves the origin out where it changes something: what does is no page of ours.
    expect((await bare("POST", "/api/kernels", { cookie }, {})).status).toBe(403);
    expect((await ask("GET", "/api/kernels")).json).toEqual([]);
  });

  test("opens no WebSocket", async () => {
    const { cookie, port, token } = await studio(notebookOf("1"));
    for (const stranger of [...strangers(port), {}])
      expect([stranger, await upgrade(port, kernel(), { cookie, ...stranger })]).toEqual([stranger, 403]);
    for (const stranger of strangers(port))
      expect(await upgrade(port, `${kernel()}?token=${token}`, stranger)).toBe(403);
  });

  test("reads nothing, from another port neither, which SameSite lets through", async () => {
    const { bare, cookie } = await studio(notebookOf("1"));
    for (const site of ["cross-site", "same-site"])
      for (const path of READS)
        expect([path, (await bare("GET", path, { cookie, "sec-fetch-site": site })).status]).toEqual([
          path,
          403,
        ]);
    // A navigation from elsewhere would show the studio in a tab that the other page has a hold of.
    const linked = { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await bare("GET", "/", linked)).status).toBe(403);
    const typed = { cookie, "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
    expect((await bare("GET", "/", typed)).status).toBe(200);
  });

  test("that has its name pointed at this machine is told by the name", async () => {
    const { bare, cookie, port, token } = await studio(notebookOf("1"));
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:${port + 1}`,
      `0.0.0.0:${port}`,
    ])
      for (const headers of [{ cookie }, { authorization: `token ${token}` }])
        expect([host, (await bare("GET", "/api/kernels", { ...headers, host })).status]).toEqual([host, 403]);
    for (const host of [`localhost:${port}`, `[::1]:${port}`])
      expect((await bare("GET", "/api/kernels", { cookie, host })).status).toBe(200);
  });
});

describe("paths", () => {
  const outside = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "milestones/../../secret.txt",
    "milestones/..%2f..%2fsecret.txt",
    "..%5csecret.txt",
    "%2f..%2fsecret.txt",
    "link/secret.txt",
    "link",
    "link/new.txt",
    "milestones/inner.txt",
    ".git/config",
    ".lake/secret.txt",
    ".env",
    "node_modules/tslab/package.json",
    "milestones/a%00.txt",
    "c:%2fsecret.txt",
  ];

  async function withSecrets(): Promise<Studio> {
    const made = await studio(notebookOf("1"));
    await writeFile(join(made.root, "../secret.txt"), "secret");
    await mkdir(join(made.root, ".git"));
    await mkdir(join(made.root, ".lake"));
    for (const name of [".git/config", ".lake/secret.txt", ".env"])
      await writeFile(join(made.root, name), "secret");
    await symlink(join(made.root, ".."), join(made.root, "link"));
    await symlink(join(made.root, ".env"), join(made.root, "milestones/inner.txt"));
    return made;
  }

  test("outside of the project are neither read nor written, nor given to a kernel", async () => {
    const { bare, token, root } = await withSecrets();
    const headers = { authorization: `token ${token}` };
    for (const path of outside) {
      const read = await bare("GET", `/api/contents/${path}`, headers);
      expect([path, read.status >= 400 && read.status < 500, read.text.includes('"secret"')]).toEqual([
        path,
        true,
        false,
      ]);
      const body = { type: "file", format: "text", content: "overwritten" };
      const written = await bare("PUT", `/api/contents/${path}`, headers, body);
      expect([path, written.status >= 400 && written.status < 500]).toEqual([path, true]);
    }
    for (const path of ["..", "link", "/etc", ".lake", `${root}/..`])
      expect([path, (await bare("POST", "/api/kernels", headers, { path })).status]).toEqual([path, 403]);
    expect((await bare("GET", "/api/kernels", headers)).json).toEqual([]);
  });

  test("of links that lead out are not listed", async () => {
    const { ask } = await withSecrets();
    const { json } = await ask("GET", "/api/contents");
    expect(json.content.map(({ name }: { name: string }) => name)).toEqual([
      "milestones",
      "package-lock.json",
      "package.json",
    ]);
  });
});

test("no page may be framed, fetch from elsewhere, or run what it did not bring", async () => {
  const { ask } = await studio(notebookOf("1"));
  const page = await ask("GET", "/");
  const policy = String(page.headers["content-security-policy"]);
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/script-src[^;]*unsafe|https?:|\*/);
  const [, nonce] = /nonce-([^']+)'/.exec(policy) ?? [];
  expect(page.text).toContain(`content="${nonce}"`);
  expect((await ask("GET", "/")).text).not.toContain(nonce);

  const frame = await ask("GET", "/frame");
  const inner = String(frame.headers["content-security-policy"]);
  expect(inner).toMatch(/sandbox allow-scripts$/);
  expect(inner).toContain("default-src 'none'");
  expect(inner).not.toMatch(
    /allow-same-origin|connect-src|unsafe-eval|script-src[^;]*unsafe|https?:|'self' |\*/,
  );
});
