import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SiteServer, serveSite } from "../../../lib/kit/content/index.js";

let folder: string;
let server: SiteServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "slh-serve-"));
  const site = join(folder, "site");
  mkdirSync(join(site, "blog"), { recursive: true });
  writeFileSync(join(site, "index.html"), "home");
  writeFileSync(join(site, "blog", "index.html"), "blog");
  writeFileSync(join(site, "404.html"), "lost");
  writeFileSync(join(folder, "secret.txt"), "secret");
  server = await serveSite(site);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the site server", () => {
  test("serves pages with their types, folders by their index", async () => {
    const home = await fetch(server.url);
    expect([home.status, home.headers.get("content-type"), await home.text()]).toEqual([
      200,
      "text/html; charset=utf-8",
      "home",
    ]);
    expect(await (await fetch(`${server.url}blog/?x=1`)).text()).toBe("blog");
  });

  test("answers what is not there, or not a page, with the page for the lost", async () => {
    for (const path of ["nothing", "%ff", "blog"]) {
      const lost = await fetch(server.url + path);
      expect([lost.status, await lost.text()]).toEqual([404, "lost"]);
    }
  });

  test.each(["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//secret.txt"])(
    "serves nothing outside its folder: %s",
    async (path) => {
      expect(await raw(path)).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  test("says what to do when there is no site, or the port is taken", async () => {
    await expect(serveSite(join(folder, "none"))).rejects.toThrow(
      /no site to serve yet\. Run: slh content build/,
    );
    const port = Number(new URL(server.url).port);
    await expect(serveSite(join(folder, "site"), port)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});

/** A request as typed: fetch would tidy the path first. */
function raw(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text));
    socket.write(`GET ${path} HTTP/1.1\r\nhost: site\r\nconnection: close\r\n\r\n`);
  });
}
