import { createHash } from "node:crypto";
import type { HealthState } from "./health-watch.js";

const STYLE = `
:root { color-scheme: light dark; --paper: #FBFCFE; --line: #D8E0EA; --ink: #10233A; --soft: #45566B; --good: #17693B; --bad: #B3261E; --ice: #2460C9; }
@media (prefers-color-scheme: dark) { :root { --paper: #0E1726; --line: #2A3A52; --ink: #E6EDF7; --soft: #B3C0D2; --good: #7BD8A0; --bad: #FFB4AB; --ice: #86B0F8; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink); font: 17px/1.6 "Inter", system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
.soft { color: var(--soft); } a { color: var(--ice); }
ul { list-style: none; margin: 1.5rem 0; padding: 0; }
li { padding: .75rem 0; border-bottom: 1px solid var(--line); }
li p { margin: 0; overflow-wrap: anywhere; }
.ok { color: var(--good); } .failed { color: var(--bad); } strong { font-weight: 600; }
`;

/** The page takes its own style and nothing else, from nowhere. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The health of a lakehouse, for a browser. What parts say stands here as text. */
export function healthPage({ status, at, parts }: HealthState): string {
  const rows = parts.map(
    ({ part, ok, detail, milliseconds }) => `<li>
<p><strong>${escaped(part)}</strong> <span class="${ok ? "ok" : "failed"}">${ok ? "works" : "does not work"}</span> <span class="soft">${milliseconds.toFixed(1)} ms</span></p>
<p class="soft">${escaped(detail)}</p>
</li>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lakehouse health: ${status}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${status === "ok" ? "All parts work" : "Not all parts work"}</h1>
<p class="soft">Each part was put to work once at <time datetime="${at}">${at}</time>.</p>
<ul>
${rows.join("\n")}
</ul>
<p><a href="/metrics">Metrics</a> for Prometheus; <a href="/health">health</a> as JSON; <a href="/ready">readiness</a> in a word.</p>
</main>
</body>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
