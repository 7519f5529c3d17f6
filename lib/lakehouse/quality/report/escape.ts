const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML, in an element or in quotes. What no character is becomes one that says so. */
export function escapeHtml(text: string): string {
  return text
    .replace(/[&<>"']/g, (each) => ENTITIES[each] as string)
    .replace(/(?![\t\n\r])\p{Cc}|\p{Cn}|\p{Surrogate}/gu, "\ufffd");
}
