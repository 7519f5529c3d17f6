/** An answer that comes later: whoever asks again meanwhile gets the same. */
export interface Waiting<Answer> {
  readonly answer: Promise<Answer>;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export function waiting<Answer>(): Waiting<Answer> {
  let resolve: Waiting<Answer>["resolve"] = () => {};
  let reject: Waiting<Answer>["reject"] = () => {};
  const answer = new Promise<Answer>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  // Who asked may be gone.
  answer.catch(() => undefined);
  return { answer, resolve, reject };
}
