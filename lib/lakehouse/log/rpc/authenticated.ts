import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Caller } from "../security/caller.js";
import { challenges, type HttpCall, httpCaller } from "../security/http-caller.js";
import type { Security } from "../security/security.js";
import type { Handler } from "./one-port.js";

/** Whoever looks whether it serves may do so, and which run of the server it is: before he tells it who he is himself. */
const OPEN = /^\/(grpc\.health\.v1\.Health\/|sololakehouse\.log\.v1\.AdminService\/DescribeServer$)/;

/** Who calls; nobody is let through without one. */
export const CALLER = createContextKey<Caller | undefined>(undefined);

const callers = new WeakMap<object, Caller>();

/** Of the request that a call came with. */
export function callerValues(request: object): ContextValues {
  return createContextValues().set(CALLER, callers.get(request));
}

/** Requests are looked into when it is known whose they are. */
export function authenticated(
  handler: Handler,
  security: Security,
  how: Pick<HttpCall, "isPrivate" | "tokens">,
): Handler {
  return (request, response) => {
    const { socket, headers } = request;
    const isNamed = headers.authorization !== undefined;
    if (!isNamed && OPEN.test(request.url ?? "")) return handler(request, response);
    httpCaller(security, { ...how, socket, authorization: headers.authorization }).then(
      (caller) => {
        callers.set(request, caller);
        handler(request, response);
      },
      (error: Error) => {
        const isGrpc = headers["content-type"]?.startsWith("application/grpc") ?? false;
        const { status, fields, body } = isGrpc ? grpcRefusal(error) : refusal(error, challenges(how));
        response.writeHead(status, fields);
        response.end(body);
      },
    );
  };
}

interface Refusal {
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** As gRPC tells an error without a message: in the headers. */
function grpcRefusal({ message }: Error): Refusal {
  const fields = {
    "content-type": "application/grpc",
    "grpc-status": "16",
    "grpc-message": encodeURIComponent(message),
  };
  return { status: 200, fields, body: "" };
}

function refusal({ message }: Error, ways: string): Refusal {
  const fields = { "content-type": "application/json", "www-authenticate": ways };
  return { status: 401, fields, body: JSON.stringify({ code: "unauthenticated", message }) };
}
