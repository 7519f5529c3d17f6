import sanitizeHtml from "sanitize-html";

/** Elements of an output that a page shows as they are; of all others the words stay, of scripts and styles nothing. */
const ELEMENTS = [
  ...[
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
  ],
  ...[
    "details",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
  ],
  ...[
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "meter",
    "ol",
    "p",
    "pre",
    "progress",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
  ],
  ...[
    "samp",
    "section",
    "small",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
  ],
  ...["thead", "time", "tr", "u", "ul", "var", "wbr"],
  ...[
    "svg",
    "g",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "title",
  ],
  ...["desc", "defs", "lineargradient", "radialgradient", "stop", "clippath", "symbol", "use", "iframe"],
];

/** Stands before a page in a frame: it may have styles and pictures of its own, and loads nothing. */
const ALONE = `<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`;

/** Attributes without a way to run or load anything; `style` and addresses are looked at apart. */
const ATTRIBUTES =
  /^(?:aria-[a-z]+|align|alt|class|colspan|data-lang|data-pagefind-ignore|cx|cy|d|datetime|dir|dx|dy|fill(?:-[a-z]+)?|font-[a-z]+|gradient[a-z]+|headers|height|high|id|lang|low|max|min|offset|open|optimum|points|preserveaspectratio|r|reversed|role|rowspan|rx|ry|scope|span|start|stop-[a-z]+|stroke(?:-[a-z]+)?|tabindex|text-anchor|title|transform|type|valign|value|viewbox|width|x|x1|x2|xmlns|y|y1|y2|opacity|clip-path|dominant-baseline)$/;

const LOADS = /url\s*\(\s*(?!["']?#)|expression\s*\(|@import|\\/i;

/**
 * What a cell showed, as a page may show it: nothing in it runs, and nothing is loaded from anywhere. The one cleaning
 * for all that comes out of cells as HTML, be it their own or made from their Markdown.
 */
export function inertHtml(html: string): string {
  return sanitizeHtml(html, {
    allowedTags: ELEMENTS,
    allowedAttributes: false,
    allowedSchemes: ["http", "https", "mailto"],
    allowedSchemesByTag: { img: ["data"] },
    allowProtocolRelative: false,
    // An empty `sandbox` is the strictest.
    nonBooleanAttributes: [],
    exclusiveFilter: ({ tag, attribs }) => tag === "iframe" && attribs.srcdoc === undefined,
    transformTags: {
      "*": (tagName, given) => ({
        tagName,
        attribs: {
          ...Object.fromEntries(
            Object.entries(given).filter(([name, value]) => isInert(tagName, name, value)),
          ),
          ...(tagName === "iframe" && given.srcdoc !== undefined && framed(given.srcdoc)),
        },
      }),
    },
  });
}

/** A whole page, as a report is, in a frame where no script runs. What no policy keeps from loading loses its name. */
function framed(srcdoc: string): Record<string, string> {
  const page = srcdoc.replace(/http-equiv/gi, "data-http-equiv").replace(/<(?:link|base)\b/gi, "<wbr");
  return { srcdoc: ALONE + page, sandbox: "" };
}

function isInert(tag: string, name: string, value: string): boolean {
  if (name === "style") return !LOADS.test(value);
  if (name === "href" || name === "xlink:href") return tag === "a" || value.startsWith("#");
  // A picture of another place would be a request to it.
  if (name === "src") return tag === "img" && /^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/i.test(value);
  return ATTRIBUTES.test(name) && !LOADS.test(value);
}
