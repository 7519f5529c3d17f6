/**
 * By which clients name a schema in a record's header: a schema has one GUID, in whichever registry it is, where it has an id
 * in each. Made of what makes two schemas one (RFC 9562, version 8: what is in it is its maker's business).
 *
 * @param hash as `StoredSchema.hash`.
 */
export function guidOf(hash: string): string {
  const variant = (8 + (Number.parseInt(hash.charAt(16), 16) % 4)).toString(16);
  const digits = `${hash.slice(0, 12)}8${hash.slice(13, 16)}${variant}${hash.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
