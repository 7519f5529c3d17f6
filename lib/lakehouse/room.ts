/**
 * What a room brings with it. Each room states it in its own `room.ts`, and `rooms.ts` lists the rooms: nothing else has
 * to be touched for a room's probe, errors, commands, metrics and `lake.<room>` to be there.
 *
 * A `room.ts` is loaded by whoever opens a lakehouse or prints a help text, so it imports types, its own errors and
 * events, and little else. What is heavy is imported where it is used.
 */
import type { Command } from "commander";
import type { Closing } from "./closing.js";
import type { ErrorKind } from "./errors.js";
import type { Gauge, Metric } from "./observability/index.js";

/**
 * A room, for the wiring.
 *
 * @typeParam Context what the room needs of an open lakehouse. The room states the type, since it knows none above it;
 * `rooms.ts` checks that the lakehouse has all of it.
 * @typeParam Facade what `lake.<name>` is: to be stated where there is a `close`.
 *
 * @example
 * export const logRoom = {
 *   name: "log",
 *   errors,
 *   facade: (context) => new Log(context),
 *   close: (log) => log.close(),
 *   commands: async () => (await import("./commands.js")).logCommands,
 * } as const satisfies Room<LogContext, Log>;
 */
export interface Room<Context = never, Facade = unknown> {
  /** The folder's. */
  readonly name: string;
  /** The room's `errors.ts`: its kinds are among what it exports. */
  readonly errors?: object;
  /** Does the room's job once. Answers with what answered, in a few words; throws where it does not work. */
  readonly probe?: (context: Context) => Promise<string>;
  /** What `lake.<name>` is, made when it is first asked for. */
  readonly facade?: (context: Context) => Facade;
  /**
   * Ends what the facade holds, such as a server or a timer, when the lakehouse is closed: what was opened last ends
   * first, and the rooms' facades before the catalog and the engine. Of facades that were made, of views too.
   */
  close?(facade: Facade): Promise<void>;
  /** Loads what adds the room's commands to a program. */
  readonly commands?: () => Promise<AddCommands<Context>>;
  readonly metrics?: readonly Metric[];
  /** What can only be asked for, of an open lakehouse. */
  readonly gauges?: readonly Gauge<Context>[];
}

/** Adds a room's commands. */
export type AddCommands<Context> = (program: Command, withLake: WithLake<Context>) => void;

/** Opens the lakehouse of the current profile for a command, and closes it whatever happens. */
export type WithLake<Context> = (work: (context: Context) => Promise<void>) => Promise<void>;

/** The codes of the kinds that an `errors.ts` exports; of several, where `Errors` is a union of them. */
export type CodesIn<Errors> = Errors extends unknown ? CodeOf<Errors[keyof Errors]> : never;

type CodeOf<Exported> = Exported extends ErrorKind<infer Code> ? Code : never;

/** `lake.<name>` for each room that has a facade. */
export type FacadesOf<Rooms extends readonly Room[]> = {
  readonly [R in Extract<Rooms[number], WithFacade> as R["name"]]: ReturnType<R["facade"]>;
};

interface WithFacade {
  readonly name: string;
  readonly facade: (context: never) => unknown;
}

/**
 * A class whose objects have the facades of the rooms, each made when it is first asked for. `Lakehouse` extends it, so
 * that a facade with the name of one of its own methods does not compile. A facade that its room closes is opened in
 * `closing`.
 */
export function withFacades<Context, const Rooms extends readonly Room<Context>[]>(
  rooms: Rooms,
): new (
  context: Context,
  closing: Closing,
) => FacadesOf<Rooms> {
  class Facades {
    readonly #context: Context;
    readonly #closing: Closing;

    constructor(context: Context, closing: Closing) {
      this.#context = context;
      this.#closing = closing;
    }

    static {
      for (const { name, facade, close } of rooms) {
        if (facade === undefined) continue;
        Object.defineProperty(Facades.prototype, name, {
          get(this: Facades) {
            const make = () => facade(this.#context);
            const value = close === undefined ? make() : this.#closing.open(make, close);
            Object.defineProperty(this, name, { value, enumerable: true });
            return value;
          },
        });
      }
    }
  }
  return Facades as unknown as new (
    context: Context,
    closing: Closing,
  ) => FacadesOf<Rooms>;
}
