import { checkOptions } from "../options.js";
import type { EventLinesOptions } from "./event-lines.js";
import type { TelemetryContext } from "./observed.js";
import type { ServeTelemetryOptions, TelemetryServer } from "./server.js";
import type { Stoppable, TraceOptions } from "./traces.js";

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

  /**
   * Sends spans to a collector, by OTLP over HTTP: of all that this process does from now on, not of this lakehouse alone.
   * `SLH_TRACES` does the same wherever a lakehouse is opened.
   *
   * @throws LakehouseError INVALID_CONFIG for an endpoint that is no URL of HTTP; CLOSED.
   * @example
   * await lake.telemetry.sendTraces({ endpoint: "http://127.0.0.1:4318" });
   */
  async sendTraces(options: TraceOptions): Promise<Stoppable> {
    checkOptions("telemetry.sendTraces", options, { endpoint: true, authorization: true, service: true });
    const { exportTraces } = await import("./traces.js");
    return this.#until(await exportTraces(options));
  }

  /**
   * Writes a line of JSON for each event, with the ids of its trace and span, to a file or to stderr: of all that this process
   * does from now on. `SLH_EVENTS` does the same wherever a lakehouse is opened.
   *
   * @throws LakehouseError INVALID_CONFIG for a file that cannot be opened; CLOSED.
   * @example
   * await lake.telemetry.writeEvents({ to: "events.ndjson", level: "debug" });
   */
  async writeEvents(options: EventLinesOptions): Promise<Stoppable> {
    checkOptions("telemetry.writeEvents", options, { to: true, level: true });
    const { writeEventLines } = await import("./event-lines.js");
    return this.#until(await writeEventLines(this.#context.observed.metrics, options));
  }

  /** Until it is stopped, or the lakehouse is closed. */
  async #until(begun: Stoppable): Promise<Stoppable> {
    let stopped: Promise<void> | undefined;
    const stop = () => (stopped ??= begun.stop());
    try {
      this.#context.closing.open(() => begun, stop);
    } catch (error) {
      await stop();
      throw error;
    }
    return { stop };
  }
}
