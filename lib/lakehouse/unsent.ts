/** True where `fetch` failed before the connection was made, so that the server knows nothing of the request. */
export function isUnsent(error: unknown): boolean {
  const { code } = ((error as Error).cause ?? {}) as { code?: string | undefined };
  return [
    "ECONNREFUSED",
    "ENOTFOUND",
    "EAI_AGAIN",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "UND_ERR_CONNECT_TIMEOUT",
  ].includes(code ?? "");
}
