import { readFileSync } from "node:fs";

/** The alarms of deploy/observability, of which the package has a copy. */
export function alarms(): string {
  const inCheckout = import.meta.url.endsWith(".ts");
  const path = inCheckout ? "../../../../deploy/observability/alerts.yml" : "./alerts.yml";
  return readFileSync(new URL(path, import.meta.url), "utf8");
}
