import { checkOptions } from "../options.js";
import type { TelemetryContext } from "./observed.js";
import type { ServeTelemetryOptions, TelemetryServer } from "./server.js";

/**
 * `lake.telemetry`: how this lakehouse is and what its process does, told to others. Nothing is sent or served before one of
 * these is called; what they begin ends with the lakehouse.
 */
export class Telemetry {
  readonly #context: TelemetryContext;

  constructor(context: TelemetryContext) {
    this.#context = context;
  }

  /**
   * Serves metrics for Prometheus (`/metrics`), the health of each part (`/health`, and a page for browsers at `/`), and in a
   * word whether it is ready (`/ready`) and alive (`/live`). Metrics are of this process, from now on.
   *
   * @throws LakehouseError INVALID_CONFIG where it cannot listen, or where others could reach it and no token is set; CLOSED.
   * @example
   * const { url } = await lake.telemetry.serve({ port: 9464 }); // http://127.0.0.1:9464
   */
  async serve(options: ServeTelemetryOptions = {}): Promise<TelemetryServer> {
    checkOptions("telemetry.serve", options, { port: true, host: true, token: true });
    const { serveTelemetry } = await import("./server.js");
    const { observed, closing } = this.#context;
    const server = await serveTelemetry(observed, options);
    try {
      return closing.open(
        () => server,
        (opened) => opened.close(),
      );
    } catch (error) {
      await server.close();
      throw error;
    }
  }
}
