/** Where a cell's printed text goes, one message for each call. */
export type WriteStream = (name: string, text: string) => void;

/** So long text is held back that comes soon after other text. */
const HELD_MS = 20;
/** Characters after which it comes out at once. */
const HELD_LENGTH = 65_536;

/**
 * Makes few messages of many lines: a loop that prints ten thousand would else be ten thousand messages, each signed, sent
 * and drawn. What comes after a pause goes out at once, since a computation that lets no timer run may follow. Call `flush`
 * before anything else of the cell is published, so that all stays in order.
 */
export function gather(write: WriteStream): { readonly write: WriteStream; flush(): void } {
  let name = "";
  let text = "";
  let last = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (text === "") return;
    const held = text;
    text = "";
    last = performance.now();
    write(name, held);
  };
  return {
    flush,
    write(stream, more) {
      if (stream !== name) flush();
      name = stream;
      text += more;
      // A loop that never pauses lets no timer run: time is looked at here as well.
      if (text.length >= HELD_LENGTH || performance.now() - last > HELD_MS) flush();
      else timer ??= setTimeout(flush, HELD_MS);
    },
  };
}
