import { channel as nodeChannel } from "node:diagnostics_channel";

/**
 * A named channel of events of one type. Who publishes looks at `hasSubscribers` first, so that an event which nobody
 * listens to is not even made: it costs one comparison. A subscriber that throws never fails the work that it watches:
 * Node reports its error as uncaught.
 *
 * @example
 * if (requests.hasSubscribers) requests.publish({ operation: "read", uri, bytes });
 */
export interface EventChannel<Event extends object> {
  readonly name: string;
  /** How much a log is to make of events that are no failures. */
  readonly level: EventLevel;
  readonly hasSubscribers: boolean;
  publish(event: Event): void;
  /** Calls `listener` with each event, while it is published. Answers with what ends that. */
  subscribe(listener: (event: Event) => void): () => void;
}

/** `debug`: there are many of them, one for each request, say. `info`: what has changed. `warn`: what should not happen. */
export type EventLevel = "debug" | "info" | "warn";

/**
 * Opens a channel of Node's `diagnostics_channel`: who does not know this library's types subscribes to it by name.
 *
 * @param name `<room>.<what happened>`; `sololakehouse:` goes before it.
 * @param options `level`: `debug` where not given.
 */
export function eventChannel<Event extends object>(
  name: string,
  { level = "debug" }: { readonly level?: EventLevel } = {},
): EventChannel<Event> {
  const channel = nodeChannel(`sololakehouse:${name}`);
  return {
    name: String(channel.name),
    level,
    get hasSubscribers() {
      return channel.hasSubscribers;
    },
    publish: (event) => channel.publish(event),
    subscribe(listener) {
      const forward = (event: unknown) => listener(event as Event);
      channel.subscribe(forward);
      return () => void channel.unsubscribe(forward);
    },
  };
}
