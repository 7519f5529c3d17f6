/** A body's producer threw `cause`: nothing is wrong with the store. */
export class BodyFailure extends Error {}

/** The chunks of a body, whose own errors come out marked, to be told from those of the store. */
export async function* watched(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body;
  } catch (cause) {
    throw new BodyFailure("The body's producer failed", { cause });
  }
}
