/**
 * Errors: one class, and a kind for each stable code. A room owns its kinds, in its own `errors.ts`; those below are
 * what any room may have to say. A code never changes its meaning once released: programs branch on it.
 */

/**
 * The one error class of the project. `code` is stable, `subject` names the thing (a URI, a table name, a column, a ref),
 * `message` says what failed, why, and what to do next.
 *
 * @example
 * try { await lake.table("flights.nope") }
 * catch (e) { if (isLakehouseError(e, "NO_SUCH_TABLE")) … }
 */
export class LakehouseError<Code extends string = string> extends Error {
  override readonly name = "LakehouseError";
  readonly code: Code;
  readonly subject: string;
  /** The sentence of `message` that says what to do next. */
  readonly remedy: string | undefined;

  constructor(code: Code, subject: string, message: string, remedy?: string, cause?: unknown) {
    // A message of several lines ends in a caret below a place in a text.
    const gap = message.includes("\n") ? "\n" : " ";
    super(remedy ? `${message}${gap}${remedy}` : message, { cause });
    this.code = code;
    this.subject = subject;
    this.remedy = remedy;
  }
}

/** Makes the errors of one code, and knows them again. */
export interface ErrorKind<Code extends string = string> {
  /**
   * @param subject what the error is about: a URI, a table name, a column, a ref.
   * @param message one sentence: what failed and why. The remedy is appended to it.
   * @param remedy one sentence: what to do next, safe to follow.
   */
  (subject: string, message: string, remedy?: string, cause?: unknown): LakehouseError<Code>;
  readonly code: Code;
  is(error: unknown): error is LakehouseError<Code>;
}

/** The kind of a code. Each code has one, in the `errors.ts` of the room that it belongs to. */
export function errorKind<const Code extends string>(code: Code): ErrorKind<Code> {
  const kind = (subject: string, message: string, remedy?: string, cause?: unknown) => {
    const error = new LakehouseError(code, subject, message, remedy, cause);
    // The stack starts where the error was thrown, not here.
    // Not every browser can tell, and footers are read there too.
    Error.captureStackTrace?.(error, kind);
    return error;
  };
  return Object.assign(kind, {
    code,
    is: (error: unknown): error is LakehouseError<Code> =>
      error instanceof LakehouseError && error.code === code,
  });
}

/** True for a LakehouseError, and, where `code` is given, only for one with that code. */
export function isLakehouseError<Code extends string = string>(
  error: unknown,
  code?: Code,
): error is LakehouseError<Code> {
  return error instanceof LakehouseError && (code === undefined || error.code === code);
}

/** Bytes that are not what they should be: a file torn, cut short or written wrongly. */
export const corruptFile = errorKind("CORRUPT_FILE");
/** Metadata that its specification does not allow. */
export const invalidMetadata = errorKind("INVALID_METADATA");
/** What is right by its specification, and cannot be done here. */
export const unsupported = errorKind("UNSUPPORTED_FEATURE");
/** A call that makes no sense. */
export const invalidArgument = errorKind("INVALID_ARGUMENT");
/** A setting that makes no sense. */
export const invalidConfig = errorKind("INVALID_CONFIG");
/** A file or native part of this package, or of one that it needs, is missing or was built for another Node. */
export const brokenInstall = errorKind("BROKEN_INSTALL");
/** A change, where there is only reading. */
export const readOnly = errorKind("READ_ONLY");
/** Something was used after it was closed. */
export const useAfterClose = errorKind("CLOSED");

/** A call whose AbortSignal was aborted before it was done. `cause` is the signal's reason. */
export const abortedCall = errorKind("ABORTED");

/** What can be stopped while it runs. */
export interface Abortable {
  /**
   * Stops the call, which then ends in ABORTED. A read stops wherever it is, while its result streams too; what is held
   * whole by then stays. A write stops before its commit and leaves nothing; once the commit is sent it is waited for,
   * and the call answers as if nothing had been aborted.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a call ends in whose signal was aborted. */
export function aborted(signal: AbortSignal): LakehouseError {
  const { reason } = signal;
  const why = reason instanceof Error && reason.name !== "AbortError" ? `: ${reason.message}` : "";
  return abortedCall("signal", `The call was aborted${why.replace(/\.$/, "")}.`, undefined, reason);
}

/** @throws LakehouseError ABORTED for a signal that was aborted; INVALID_ARGUMENT for what is none. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw invalidArgument(
      "signal",
      "The signal is no AbortSignal.",
      "Give the signal of an AbortController.",
    );
  }
  if (signal?.aborted) throw aborted(signal);
}

/** What a call on something that was closed ends in. */
export function closed(what: string): LakehouseError {
  return useAfterClose(what, `The ${what} was closed.`, "Open it again, or close it after its last use.");
}

export { nearNames } from "./near-names.js";
