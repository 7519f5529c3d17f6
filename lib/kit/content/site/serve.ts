import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, sep } from "node:path";
import { invalidConfig } from "sololakehouse/errors";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
  ".xml": "application/xml; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
};

export interface SiteServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves a built site on this machine alone, for reading and searching.
 *
 * @param port 0 takes any free one
 * @throws INVALID_CONFIG when there is no site yet or the port is taken.
 */
export async function serveSite(folder: string, port = 0): Promise<SiteServer> {
  if (!existsSync(join(folder, "index.html"))) {
    throw invalidConfig(folder, "There is no site to serve yet.", "Run: slh content build");
  }
  const server = createServer((request, response) => {
    const found =
      request.method === "GET" || request.method === "HEAD" ? fileFor(folder, request.url ?? "/") : undefined;
    const path = found ?? join(folder, "404.html");
    response.writeHead(found ? 200 : 404, {
      "content-type": TYPES[extname(path)] ?? "application/octet-stream",
      "content-length": statSync(path).size,
      "cache-control": "no-cache",
    });
    if (request.method === "HEAD") response.end();
    else createReadStream(path).pipe(response);
  });
  await listen(server, port);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

/** The file that a request means, never one outside the folder. */
function fileFor(folder: string, url: string): string | undefined {
  let path: string;
  try {
    path = normalize(decodeURIComponent(url.split(/[?#]/, 1)[0] ?? "/"));
  } catch {
    return undefined;
  }
  const target = join(folder, path.endsWith(sep) ? join(path, "index.html") : path);
  return target.startsWith(folder + sep) && existsSync(target) && statSync(target).isFile()
    ? target
    : undefined;
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        invalidConfig(
          String(port),
          `Port ${port} cannot be listened on: ${cause.message}.`,
          "Choose another: slh content serve --port 0",
          cause,
        ),
      ),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
}
