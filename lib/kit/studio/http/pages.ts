import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { FastifyInstance, FastifyReply } from "fastify";
import { studioFiles } from "./page-files.js";
import { Refused } from "./refused.js";

/**
 * What the studio's page may do: run its own program, ask its own server, and show pictures that are in it. A nonce lets
 * the editor put its styles into the page. Outputs of cells are shown in `/frame` alone.
 */
const pagePolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    // Positions of the editor's parts and of charts are attributes; no rule can be smuggled in by one.
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");

/**
 * What the frame of outputs may do: nothing but draw. `sandbox` without `allow-same-origin` gives it an opaque origin, so
 * that it is a stranger to the studio; `connect-src` stays at none; a script runs only by the nonce that its own program
 * has, and compiles nothing from text.
 */
const framePolicy = (nonce: string): string =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    "style-src 'unsafe-inline'",
    "img-src data:",
    "font-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
    "sandbox allow-scripts",
  ].join("; ");

/** The page, its programs, and the frame of outputs. */
export function servePages(app: FastifyInstance, open: (token: string, reply: FastifyReply) => void): void {
  const files = studioFiles();
  app.get("/", { config: { opens: true } }, (request, reply) => {
    const { token } = request.query as { token?: string };
    if (typeof token === "string") {
      open(token, reply);
      return reply.redirect("/", 303);
    }
    const nonce = randomBytes(16).toString("base64");
    return reply
      .header("content-security-policy", pagePolicy(nonce))
      .type("text/html; charset=utf-8")
      .send(files.page.replaceAll("{{nonce}}", nonce));
  });
  app.get("/frame", (_, reply) => {
    const nonce = randomBytes(16).toString("base64");
    // A script ends at the first `</script`, in strings of it too.
    const program = files.frame.replaceAll(/<\/(script)/gi, "<\\/$1");
    return reply
      .header("content-security-policy", framePolicy(nonce))
      .type("text/html; charset=utf-8")
      .send(
        `<!doctype html><html lang="en"><meta charset="utf-8"><title>Output</title><body><script nonce="${nonce}">${program}</script></body></html>`,
      );
  });
  app.get("/assets/:name", async (request, reply) => {
    const { name } = request.params as { name: string };
    const file = files.assets.get(name);
    if (!file) throw new Refused(404, "NOT_FOUND", `There is no asset ${name}.`);
    return reply.type(file.type).send(await readFile(file.path));
  });
}
