import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { OpenNotebook } from "./open.js";
import type { ProgressKeeper } from "./progress.js";
import type { Runner } from "./run.js";
import type { TypeChecker } from "./type-checker.js";

/** What the parts of the page share while a notebook is open. */
export interface Studio {
  readonly notebook: OpenNotebook;
  readonly runner: Runner;
  readonly progress: ProgressKeeper;
  readonly types: TypeChecker;
}

export const StudioContext = createContext<Studio | undefined>(undefined);

export function useStudio(): Studio {
  const studio = useContext(StudioContext);
  if (!studio) throw new Error("No notebook is open.");
  return studio;
}
