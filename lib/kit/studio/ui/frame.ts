/// <reference lib="dom" />
/**
 * The program of the frame of outputs: see `ToFrame` in `contract.ts`. It puts HTML into its own page, where the policy of
 * that page lets none of it run, and tells how tall it has become. Links open in the studio's hands, not here.
 */
import { cssVariables } from "../../look/index.js";
import type { FromFrame, ToFrame } from "../contract.js";

const tell = (message: FromFrame) => parent.postMessage(message, "*");

const style = document.createElement("style");
const box = document.createElement("div");
document.head.append(style);
document.body.append(box);

addEventListener("message", ({ source, data }: MessageEvent<ToFrame>) => {
  if (source !== parent) return;
  style.textContent = `:root{color-scheme:${data.theme};${cssVariables(data.theme)}}${RULES}`;
  box.innerHTML = data.type === "html" ? data.html : data.svg;
  for (const frame of box.querySelectorAll("iframe")) if (!frame.title) frame.title = "Output";
});

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest("a");
  if (!link) return;
  event.preventDefault();
  tell({ type: "link", href: link.href });
});

new ResizeObserver(() =>
  tell({ type: "size", height: Math.ceil(box.getBoundingClientRect().height) }),
).observe(box);

const RULES = `
body{margin:0;background:var(--paper);color:var(--ink);font:400 15px/1.55 system-ui,sans-serif}
body>div{display:flow-root}
a{color:var(--ice-text)}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:4px 12px 4px 0;border-bottom:1px solid var(--line);text-align:left}
caption{text-align:left;font-weight:600;padding-bottom:6px}
pre,code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px}
.tip,.only-dark,.anchor,.hidden{display:none!important}
.plot .narrow-only{display:none}
figure{margin:1.2rem 0}
figcaption,.provenance{color:var(--ink-faint);font-size:13px}
h1,h2,h3{line-height:1.2;letter-spacing:-.018em}
:not(pre)>code{padding:.1em .3em;border-radius:4px;background:var(--raised)}
pre{padding:12px 14px;overflow-x:auto;border-radius:8px;background:var(--raised);line-height:1.6}
.copy{display:none}
.table{overflow-x:auto}
img,svg,iframe{max-width:100%}
iframe{width:100%;min-height:20rem;border:0}
`;

tell({ type: "ready" });
