import type { ServiceName } from "./ports.js";
import type { SecretName } from "./secrets.js";

/** What a service is for. A service of `core` runs with each of the others. */
export const STACK_PROFILES = ["core", "engines", "ml", "ops"] as const;
export type StackProfile = (typeof STACK_PROFILES)[number];

/** Where a service runs, as a process here or in a container: what its settings depend on. */
export interface Place {
  /** The address that it listens on. */
  readonly listen: string;
  /** The folder for what has to last. */
  readonly data: string;
  /** The folder that its `files` lie in. */
  readonly files: string;
  /** The folder of the lakehouse, which the catalog and the log share. */
  readonly lake: string;
  /** The name or address by which a service is reached from here. */
  host(service: ServiceName): string;
  port(service: ServiceName, name: string): number;
  /** Its value; in Compose the variable that has it. */
  secret(name: SecretName): string;
}

/** What a service is started with. */
export interface Settings {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Configuration files: their text by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments of the same program that make what the service finds when it starts; they change nothing a second time. */
  readonly first?: readonly string[];
}

/** Where a service's programs come from, for a machine without Docker. */
export type Packages =
  /** This package's own commands. */
  | { readonly from: "npm"; readonly program: "slh" | "streamctl" }
  /** Debian's packages, unpacked; or the program on the path where there is no apt-get. */
  | { readonly from: "debian"; readonly packages: readonly string[]; readonly program: string }
  /** A virtual environment. */
  | { readonly from: "pypi"; readonly requirements: readonly string[]; readonly module: string }
  /** One jar with all in it. The Java that runs it is a package of PyPI. */
  | {
      readonly from: "maven";
      readonly organisation: string;
      readonly name: string;
      readonly version: string;
      readonly classifier: string;
      readonly java: string;
    }
  /** A server that is many jars, with plugins that have their own, for a JDK of this machine's. */
  | {
      readonly from: "jars";
      /** The name of the folder, which several services may share. */
      readonly folder: string;
      /** The JDK's version. */
      readonly jdk: number;
      /** Jars as `organisation:name:version`, with all that they need. */
      readonly server: readonly string[];
      readonly plugins: Readonly<
        Record<string, { readonly jars: readonly string[]; readonly class: string }>
      >;
      /** What the server lends its plugins, as `organisation:name`: there may be one of each alone. */
      readonly lent: readonly string[];
      /** The interface of plugins, and the property that names their folder. */
      readonly pluginInterface: string;
      readonly pluginProperty: string;
      /** What starts it is compiled here, where no package has it. */
      readonly main: { readonly class: string; readonly source: string };
      /** Options of the JVM. */
      readonly options: readonly string[];
    }
  /** A program built from a module of Go's. */
  | {
      readonly from: "go";
      readonly module: string;
      readonly version: string;
      /** The folder of the module that has it; the program is called as its last part. */
      readonly program: string;
      readonly replace: Readonly<Record<string, string>>;
    };

/** How it is asked whether a service is well, by HTTP: a path of one of its ports that answers 2xx. */
export interface Health {
  readonly port: string;
  readonly path: string;
  /** What the answer has to contain, of a service that answers before it is ready. */
  readonly says?: string;
}

/** One service, of which both the native processes and Compose are made. */
export interface Service {
  readonly name: ServiceName;
  readonly title: string;
  /** What it does in the stack. */
  readonly about: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  readonly profile: StackProfile;
  /** Those that have to be well before it starts. */
  readonly needs: readonly ServiceName[];
  /** Mebibytes of memory that it is let have in a container, and that have to be free for it here. */
  readonly memoryMiB: number;
  readonly health: Health;
  /** What a browser shows. */
  readonly page?: Health;
  readonly settings: (place: Place) => Settings;
  /** Undefined where it runs in Compose alone; `onlyCompose` says why. */
  readonly packages?: Packages;
  readonly onlyCompose?: string;
  /** Nothing of what it has needs to last. */
  readonly isStateless?: true;
  /** Milliseconds that it may take to end in good order. */
  readonly stopMs: number;
  readonly container: Container;
}

/** One of the services that can run as processes here. */
export type NativeService = Service & { readonly packages: Packages };
export const isNative = (service: Service): service is NativeService => service.packages !== undefined;

export interface Container {
  /** With its tag; none for what is built from this repository. */
  readonly image?: string;
  /** What its arguments are given to, where that is not the image's own entry point. */
  readonly entrypoint?: readonly string[];
  /** Asks inside the container whether it is well, as Compose's `healthcheck.test`. */
  readonly health: readonly string[];
  /** Where its data is in the container, and its files. */
  readonly data: string;
  readonly files: string;
  /** Ports that other programs of this machine use; the rest are reached by the services alone. */
  readonly published: readonly string[];
  /** Files of this repository that are mounted: their path from its top, by where they are in the container. */
  readonly mounts?: Readonly<Record<string, string>>;
}
