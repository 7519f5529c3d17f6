import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cssVariables, FONT_FACES, fontFile, type } from "../../look/index.js";
import type { Files } from "./media.js";

/** The style sheet and the fonts that it names. */
export function styleFiles(folder: string): Files {
  const styles = readdirSync(join(folder, "styles")).sort();
  const files: Files = new Map();
  files.set(
    "assets/site.css",
    siteCss(styles.map((name) => readFileSync(join(folder, "styles", name), "utf8")).join("\n")),
  );
  for (const face of FONT_FACES) {
    files.set(`assets/fonts/${fontName(face)}`, readFileSync(fontFile(face, "woff2")));
  }
  return files;
}

function fontName(face: (typeof FONT_FACES)[number]): string {
  return `${face.family.toLowerCase().replace(" ", "-")}-${face.weight}${face.style === "italic" ? "-italic" : ""}.woff2`;
}

/** Fonts, tokens in both themes, then the site's own rules. A reader's choice of theme beats the system's. */
function siteCss(own: string): string {
  const fonts = FONT_FACES.map(
    (face) =>
      `@font-face{font-family:"${face.family}";font-style:${face.style};font-weight:${face.weight};font-display:swap;src:url(fonts/${fontName(face)}) format("woff2")}`,
  );
  const shown = (theme: "light" | "dark") =>
    `.only-${theme === "light" ? "dark" : "light"}{display:none!important}`;
  return [
    ...fonts,
    `:root{color-scheme:light;--font-text:${type.text};--font-code:${type.code};\n${cssVariables("light")}\n}`,
    `:root:not([data-theme=dark]) ${shown("light")}`,
    `:root[data-theme=dark]{color-scheme:dark;\n${cssVariables("dark")}\n}`,
    `:root[data-theme=dark] ${shown("dark")}`,
    "@media (prefers-color-scheme:dark){",
    `:root:not([data-theme=light]){color-scheme:dark;\n${cssVariables("dark")}\n}`,
    `:root:not([data-theme]) .only-light{display:none!important}:root:not([data-theme]) .only-dark{display:revert!important}`,
    "}",
    own,
  ].join("\n");
}
