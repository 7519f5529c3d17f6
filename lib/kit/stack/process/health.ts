import type { StackHome } from "../home.js";
import type { Service } from "../service.js";

/** Whether a service says that it is well. Milliseconds without an answer are no answer. */
export async function isWell(
  { name, health }: Service,
  home: StackHome,
  timeoutMs = 5_000,
): Promise<boolean> {
  const url = urlOf(home, name, health);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "manual" });
    const said = await response.text();
    return response.ok && said.includes(health.says ?? "");
  } catch {
    return false;
  }
}

export const urlOf = (home: StackHome, name: Service["name"], { port, path }: Service["health"]): string =>
  `http://127.0.0.1:${home.port(name, port)}${path}`;
