import { S3Fault } from "./fault.js";

/** Text, a list (the element is repeated), or child elements. Undefined children are left out. */
export type XmlNode =
  | string
  | number
  | boolean
  | readonly XmlNode[]
  | { readonly [name: string]: XmlNode | undefined };

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

export function xmlDocument(root: string, node: XmlNode, namespace = true): string {
  const open = namespace ? `${root} xmlns="${NAMESPACE}"` : root;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${open}>${content(node)}</${root}>`;
}

function content(node: XmlNode): string {
  if (typeof node !== "object") return escapeXml(String(node));
  return Object.entries(node)
    .map(([name, child]) => (child === undefined ? "" : element(name, child)))
    .join("");
}

function element(name: string, node: XmlNode): string {
  if (Array.isArray(node)) return node.map((one: XmlNode) => element(name, one)).join("");
  return `<${name}>${content(node)}</${name}>`;
}

/** Characters that XML 1.0 cannot hold at all (most control characters) become U+FFFD; `encoding-type=url` keeps them. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"'\r\n\t\p{Cc}\uFFFE\uFFFF]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return "\uFFFD";
    return code > 0xfffd ? "\uFFFD" : `&#${code};`;
  });
}

/**
 * The contents of each `name` element of a request document, with no element of that name inside another.
 * Requests of the protocol are flat lists without attributes that matter, so no parser is needed; what could
 * make one dangerous (DOCTYPE, entities of its own) is refused.
 */
export function xmlElements(document: string, name: string): string[] {
  if (document.includes("<!"))
    throw new S3Fault("MalformedXML", "The XML has a declaration that is not allowed.");
  const found: string[] = [];
  const start = new RegExp(`<${name}(?:\\s[^>]*)?>`, "g");
  const close = `</${name}>`;
  while (start.exec(document) !== null) {
    const end = document.indexOf(close, start.lastIndex);
    if (end < 0) throw new S3Fault("MalformedXML", `The XML has no ${close}.`);
    found.push(document.slice(start.lastIndex, end));
    start.lastIndex = end + close.length;
  }
  return found;
}

/** The text of the one `name` element in `xml`; undefined where there is none. */
export function xmlText(xml: string, name: string): string | undefined {
  const [text] = xmlElements(xml, name);
  return text === undefined ? undefined : unescapeXml(text);
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]+);/gi, (whole, entity: string) => {
    if (!entity.startsWith("#")) return NAMED[entity] ?? whole;
    const code = /^#x/i.test(entity) ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    if (code > 0x10ffff) throw new S3Fault("MalformedXML", "The XML has a character that does not exist.");
    return String.fromCodePoint(code);
  });
}
