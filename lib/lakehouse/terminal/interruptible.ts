/** The exit codes that a shell gives a program that was ended so. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs work that the first Ctrl-C or termination aborts, so that it can clean up after itself; a second one ends the
 * process at once. Work that fails then was stopped, which is no error of its own.
 */
export async function interruptible(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  let code: number | undefined;
  const stop = (signal: keyof typeof EXIT_CODES): void => {
    code = EXIT_CODES[signal];
    leave();
    controller.abort();
  };
  const leave = (): void => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    await work(controller.signal);
  } catch (error) {
    if (code === undefined) throw error;
    process.exitCode = code;
  } finally {
    leave();
  }
}
