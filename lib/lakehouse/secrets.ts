/** What names of settings have that are not to be shown. */
export const SECRET_NAME =
  /secret|token|password|passphrase|passwd|credential|access_?key|api_?key|private_?key|authorization/i;

/** A setting without the user and password of a URI, and without what parameters call a secret. */
export function withoutSecrets(setting: string): string {
  return setting
    .replace(/(:\/\/)[^/?#@\s]+@/g, "$1…@")
    .replace(
      /([?&][^=&\s]*(?:secret|token|password|credential|signature|accesskey)[^=&\s]*=)[^&#\s"']+/gi,
      "$1…",
    );
}

/** What `Authorization` headers hold, wherever one got into a text. */
const SHOWN = /\b(bearer|basic|aws4-hmac-sha256)\s+[^\s"',;]+/gi;

/** Shorter ones are words, such as `test`, that would be taken out of any text. */
const SHORTEST = 6;

/**
 * What takes secrets out of texts that leave this process, such as lines of a log: those of URIs and headers, and the very
 * values that variables of the environment have whose names say that they are secret, wherever they turn up.
 */
export function redactor(
  env: Readonly<Record<string, string | undefined>> = process.env,
): (text: string) => string {
  const values = new Set<string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || !SECRET_NAME.test(name)) continue;
    // An id and its secret, as SLH_CATALOG_CREDENTIAL has them; a part that is long enough.
    for (const part of [value, ...value.split(":").slice(1)]) {
      if (part.length < SHORTEST) continue;
      values.add(part);
      values.add(encodeURIComponent(part));
    }
  }
  const known = [...values].sort((a, b) => b.length - a.length);
  return (text) => {
    let shown = withoutSecrets(text).replace(SHOWN, "$1 …");
    for (const value of known) if (shown.includes(value)) shown = shown.replaceAll(value, "…");
    return shown;
  };
}
