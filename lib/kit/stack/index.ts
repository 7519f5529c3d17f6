/**
 * The stack: the services that a lakehouse has around it, one description each. They run as processes of this machine, or by
 * Docker Compose; both are made of the same descriptions. What a service is installed with and started with, tests and
 * benches that want one by itself take from here as well.
 */
export { renderCompose } from "./compose/render.js";
export { down, type How, type Stop, stop } from "./down.js";
export { environmentOf } from "./environment.js";
export { installFailed, serviceFailed, stackUnready } from "./errors.js";
export { StackHome, type Started } from "./home.js";
export { cacheFolder, userCache } from "./install/cache.js";
export { homeOf, install, isInstalled, programOf } from "./install/install.js";
export { hasJdkFor } from "./install/jdk.js";
export type { Note } from "./install/run.js";
export { PORTS, type ServiceName } from "./ports.js";
export { exclusively } from "./process/exclusively.js";
export { bootNow, identify, isRunning, type ProcessIdentity } from "./process/identity.js";
export { readSecrets, SECRETS, type SecretName, type Secrets, secretsIn } from "./secrets.js";
export {
  type Container,
  type Health,
  isNative,
  type NativeService,
  type Packages,
  type Place,
  type Service,
  type Settings,
  STACK_PROFILES,
  type StackProfile,
} from "./service.js";
export { SERVICES, servicesOf } from "./services/all.js";
export { etcdOptions } from "./services/etcd.js";
export { MLFLOW_ENV, mlflowArguments } from "./services/mlflow.js";
export { type S3Key, s3Key } from "./services/s3-access.js";
export { trinoConfig } from "./services/trino.js";
export { type ServiceState, type ServiceStatus, statusOf } from "./status.js";
export { type Start, type UpEvents, up } from "./up.js";
