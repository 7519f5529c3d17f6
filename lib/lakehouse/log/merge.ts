/**
 * What comes first, from whichever it comes. Not by Promise.race: each race would leave something with every source that
 * is silent, for as long as it is.
 */
export async function* merge<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const arrived: { readonly source: AsyncGenerator<T>; readonly result: Promise<IteratorResult<T>> }[] = [];
  let wake = () => {};
  const ask = (source: AsyncGenerator<T>) => {
    const result = source.next();
    const arrive = () => {
      arrived.push({ source, result });
      wake();
    };
    // A failure of one that nobody waits for any more is of no use to anyone.
    result.then(arrive, arrive);
  };
  for (const source of sources) ask(source);
  for (let left = sources.length; left > 0; ) {
    if (arrived.length === 0)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    for (const { source, result } of arrived.splice(0)) {
      const { done, value } = await result;
      if (done) left--;
      else {
        ask(source);
        yield value;
      }
    }
  }
}
