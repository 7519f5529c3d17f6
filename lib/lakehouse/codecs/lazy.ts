import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/**
 * A package that is loaded when it is first used, without waiting: most processes need none or one of the codecs, and
 * each has a native part that takes milliseconds to load.
 */
export function lazy<Package>(name: string): () => Package {
  let loaded: Package | undefined;
  return () => {
    loaded ??= load(name) as Package;
    return loaded;
  };
}
