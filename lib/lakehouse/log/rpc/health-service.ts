import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Calls } from "./calls.js";
import {
  type Health,
  HealthCheckResponse_ServingStatus as Status,
} from "./generated/grpc/health/v1/health_pb.js";

/** gRPC's health checks. @param services names of those that are served. */
export function healthService(services: readonly string[], calls: Calls): ServiceImpl<typeof Health> {
  const statusOf = (service: string): Status => {
    if (service !== "" && !services.includes(service)) return Status.SERVICE_UNKNOWN;
    return calls.isStopped ? Status.NOT_SERVING : Status.SERVING;
  };
  return {
    check: ({ service }) => {
      const status = statusOf(service);
      if (status === Status.SERVICE_UNKNOWN)
        throw new ConnectError(`There is no service ${service} here.`, Code.NotFound);
      return { status };
    },

    async *watch({ service }, { signal: client }) {
      const { signal, end } = calls.begin(client);
      try {
        yield { status: statusOf(service) };
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve());
          if (signal.aborted) resolve();
        });
        if (client.aborted) throw client.reason;
        if (services.includes(service) || service === "") yield { status: Status.NOT_SERVING };
      } finally {
        end();
      }
    },
  };
}
