import { errorKind } from "sololakehouse/errors";

/** What a service needs of this machine is not there: a program, memory, a free port. */
export const stackUnready = errorKind("STACK_UNREADY");
/** A service could not be installed. */
export const installFailed = errorKind("INSTALL_FAILED");
/** A service did not start, or did not end. */
export const serviceFailed = errorKind("SERVICE_FAILED");
