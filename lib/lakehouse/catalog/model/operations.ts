import type { Content, ContentKey } from "./content.js";

/**
 * A change to one key, and what must be there for it to happen. `expected`: the content as it was read, `null`
 * for a key that must not exist, absent for no expectation.
 */
export type Operation =
  | {
      readonly type: "PUT";
      readonly key: ContentKey;
      readonly content: Content;
      readonly expected?: Content | null | undefined;
    }
  | { readonly type: "DELETE"; readonly key: ContentKey; readonly expected?: Content | undefined }
  /** Changes nothing and is not recorded: the commit happens only if this key still holds what was read. */
  | { readonly type: "UNCHANGED"; readonly key: ContentKey; readonly expected?: Content | null | undefined };
