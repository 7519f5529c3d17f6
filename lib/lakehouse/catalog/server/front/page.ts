import { createHash } from "node:crypto";
import type { Access } from "./attach.js";
import type { Inventory, Welcome } from "./welcome.js";

const STYLE = `
:root { color-scheme: light dark; --paper: #FBFCFE; --raised: #F1F4F9; --line: #D8E0EA; --ink: #10233A; --soft: #45566B; --ice: #2460C9; }
@media (prefers-color-scheme: dark) { :root { --paper: #0E1726; --raised: #162235; --line: #2A3A52; --ink: #E6EDF7; --soft: #B3C0D2; --ice: #86B0F8; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink); font: 17px/1.6 "Inter", system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .5rem 0; }
.soft { color: var(--soft); }
code, pre { font: 14px/1.55 "JetBrains Mono", ui-monospace, Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
pre { margin: 0; padding: .75rem 1rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; user-select: all; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
ul { margin: .5rem 0; padding: 0; list-style: none; columns: 18rem; }
li { break-inside: avoid; }
@media (max-width: 480px) { dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: .5rem; } h1 { font-size: 1.6rem; } }
`;

/** The page takes its own style and nothing else, from nowhere. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const ACCESS: Readonly<Record<Access, string>> = {
  open: "Nobody has to show a token.",
  token: "Every request shows a bearer token; whoever runs this server has it.",
  client: "Clients get a token for their id and secret; whoever runs this server has them.",
};

/** A page for a browser. Names are the lake's users' to choose, and stand here as text. */
export function pageOf({ uri, access, inventory, attach }: Welcome): string {
  const snippets = attach.map(
    ({ engine, text }) =>
      `<h3>${engine}</h3>\n<pre tabindex="0" aria-label="${engine}">${escaped(text)}</pre>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lakehouse catalog</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>An Iceberg catalog</h1>
<p class="soft">Engines read and write the tables of this lakehouse here. ${ACCESS[access]}</p>
<dl>
<dt>Iceberg REST</dt><dd><code>${escaped(uri)}</code></dd>
<dt>A branch</dt><dd><code>${escaped(uri)}/iceberg/&lt;branch&gt;</code></dd>
<dt>Nessie, version 2</dt><dd><code>${escaped(uri)}/api/v2</code></dd>
</dl>
${inventory === undefined ? HIDDEN : inventoryHtml(inventory)}
<h2>Attach</h2>
<p class="soft">A click selects all of a text. For a branch, put <code>/iceberg/&lt;branch&gt;</code> behind the address; a table of another branch is <code>table@branch</code>.</p>
${snippets.join("\n")}
</main>
</body>
</html>
`;
}

const HIDDEN = `<h2>Tables</h2>
<p class="soft">Branches and tables are shown to those who are let in: send <code>Authorization: Bearer &lt;token&gt;</code>.</p>`;

function inventoryHtml({ warehouse, defaultBranch, isCut, ...names }: Inventory): string {
  const nothing = `Nothing yet on ${escaped(defaultBranch)}.`;
  return `<h2>Tables on ${escaped(defaultBranch)}</h2>
${names.tables.length === 0 ? `<p class="soft">${nothing}</p>` : list(names.tables)}
${names.views.length === 0 ? "" : `<h3>Views</h3>\n${list(names.views)}`}
<h3>Branches</h3>
${list(names.branches)}
${names.tags.length === 0 ? "" : `<h3>Tags</h3>\n${list(names.tags)}`}
${isCut ? '<p class="soft">There are more: these are the first of each.</p>' : ""}
<p class="soft">The warehouse is called <code>${escaped(warehouse)}</code>.</p>`;
}

function list(names: readonly string[]): string {
  return `<ul>${names.map((name) => `<li><code>${escaped(name)}</code></li>`).join("")}</ul>`;
}

/** Text as HTML has it. Control and direction characters are shown, not followed. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) =>
      character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    )
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
