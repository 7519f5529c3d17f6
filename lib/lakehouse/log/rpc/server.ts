import { randomUUID } from "node:crypto";
import type { Server } from "node:net";
import type { TlsOptions } from "node:tls";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Log } from "../log.js";
import type { Security } from "../security/security.js";
import type { TokenVerifier } from "../security/tokens.js";
import { accessChecked } from "./access.js";
import { adminService } from "./admin-service.js";
import { authenticated, callerValues } from "./authenticated.js";
import { Calls } from "./calls.js";
import { consumerService } from "./consumer-service.js";
import { Health } from "./generated/grpc/health/v1/health_pb.js";
import { AdminService } from "./generated/sololakehouse/log/v1/admin_pb.js";
import { ConsumerService } from "./generated/sololakehouse/log/v1/consumer_pb.js";
import { ProducerService } from "./generated/sololakehouse/log/v1/producer_pb.js";
import { SchemaService } from "./generated/sololakehouse/log/v1/schema_pb.js";
import { TransactionService } from "./generated/sololakehouse/log/v1/transaction_pb.js";
import { healthService } from "./health-service.js";
import { type Handler, onePort } from "./one-port.js";
import { producerService } from "./producer-service.js";
import { addReflection, REFLECTION } from "./reflection-service.js";
import { schemaService } from "./schema-service.js";
import { toStatus } from "./status.js";
import { takeTrace } from "./trace.js";
import { transactionService } from "./transaction-service.js";

const MESSAGE_BYTES = 32 * 1024 * 1024;
const GRACE_MS = 5000;
const SERVICES = [ProducerService, TransactionService, ConsumerService, AdminService, SchemaService];

/** What is left of a server's options when it is known where it listens. */
interface ServerOptions {
  readonly maxMessageBytes?: number | undefined;
  readonly onFault?: ((error: unknown, call: string) => void) | undefined;
  readonly tls?: TlsOptions | undefined;
  readonly tokens: TokenVerifier | undefined;
  /** Nobody else can read what is sent. */
  readonly isPrivate: boolean;
}

export interface StartedServer {
  readonly server: Server;
  readonly id: string;
  close(): Promise<void>;
}

export function startServer(log: Log, security: Security, options: ServerOptions): StartedServer {
  const { maxMessageBytes = MESSAGE_BYTES, onFault = () => undefined, isPrivate, tokens, tls } = options;
  const { core } = log;
  const id = randomUUID();
  const calls = new Calls();
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(ProducerService, producerService(core, calls));
      router.service(SchemaService, schemaService(log.schemas));
      router.service(TransactionService, transactionService(core));
      router.service(ConsumerService, consumerService(core, calls));
      router.service(AdminService, adminService(log, id));
      router.service(
        Health,
        healthService(
          [...SERVICES, Health].map(({ typeName }) => typeName),
          calls,
        ),
      );
      addReflection(router, [...SERVICES, Health, ...REFLECTION]);
    },
    readMaxBytes: maxMessageBytes,
    // Who reads JSON wants to see offset 0, too.
    jsonOptions: { alwaysEmitImplicit: true },
    interceptors: [errorsAsStatus(onFault), takeTrace, accessChecked(security, core.clock)],
    contextValues: callerValues,
  });
  const guarded = authenticated(handler as Handler, security, { isPrivate, tokens });
  const port = onePort(refuseBrowsers(guarded), tls);
  return {
    server: port.server,
    id,
    close: () => {
      calls.stop();
      return port.close(GRACE_MS);
    },
  };
}

/**
 * A page on the web must not reach the log through its reader's browser, which would let it: browsers say where a page is
 * from with every call that could change something or be read.
 */
function refuseBrowsers(handler: Handler): Handler {
  return (request, response) => {
    if (request.headers.origin === undefined) return handler(request, response);
    response.writeHead(403, { "content-type": "text/plain" });
    response.end("Pages in a browser cannot call this server.\n");
  };
}

/** Errors become statuses, those inside a stream, too. */
function errorsAsStatus(onFault: (error: unknown, call: string) => void): Interceptor {
  return (next) => async (request) => {
    const statusOf = (error: unknown): ConnectError => {
      const status = toStatus(error);
      if (status !== undefined) return status;
      if (request.signal.aborted || isGone(error))
        return new ConnectError("The client is gone.", Code.Canceled);
      onFault(error, `${request.service.typeName}/${request.method.name}`);
      return new ConnectError(
        "Something went wrong on the server, which its own output tells.",
        Code.Internal,
      );
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: asStatus(response.message, statusOf) } : response;
    } catch (error) {
      throw statusOf(error);
    }
  };
}

/** The connection ended in the midst of a request, which is nobody's fault. */
function isGone(error: unknown): boolean {
  return /^(ERR_STREAM_PREMATURE_CLOSE|ECONNRESET|EPIPE)$/.test(String((error as { code?: unknown })?.code));
}

async function* asStatus<T>(messages: AsyncIterable<T>, statusOf: (error: unknown) => ConnectError) {
  try {
    yield* messages;
  } catch (error) {
    throw statusOf(error);
  }
}
