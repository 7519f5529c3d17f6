/** A refusal that has no code of ours: of the protocol itself. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export function badRequest(message: string): Fault {
  return new Fault(400, "BadRequestException", message);
}
