import { errorKind } from "sololakehouse/errors";

/** A cell of a notebook failed, or never came to an end. */
export const notebookFailed = errorKind("NOTEBOOK_FAILED");
/** Outputs are older than the code they came from. */
export const staleOutput = errorKind("STALE_OUTPUT");
/** A page, post or figure that breaks a rule of the content. */
export const contentInvalid = errorKind("CONTENT_INVALID");
/** A program that this machine would need, such as ffmpeg, is not installed. */
export const programMissing = errorKind("PROGRAM_MISSING");
