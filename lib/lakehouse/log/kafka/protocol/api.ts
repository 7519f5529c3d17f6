/** Kafka's APIs: a request and its response, in several versions, and the headers before them. */
import { type Codec, compile } from "./compile.js";
import { includes, type ReadShape, rangeOf, type Shape, type Versions, type WrittenShape } from "./fields.js";
import type { FrameReader } from "./frame-reader.js";
import type { FrameWriter } from "./frame-writer.js";

export interface ApiTable<Request extends Shape, Response extends Shape> {
  readonly name: string;
  readonly key: number;
  /** That are spoken here. */
  readonly versions: Versions;
  /** That are compact, and have tagged fields (KIP-482). */
  readonly flexible?: Versions | undefined;
  readonly request: Request;
  readonly response: Response;
}

export interface Api<Request extends Shape = Shape, Response extends Shape = Shape>
  extends ApiTable<Request, Response> {
  readonly least: number;
  readonly most: number;
  isFlexible(version: number): boolean;
  requestCodec(version: number): Codec;
  responseCodec(version: number): Codec;
}

export type RequestOf<A> = A extends Api<infer Request, infer _> ? ReadShape<Request> : never;
export type ResponseTo<A> = A extends Api<infer _, infer Response> ? WrittenShape<Response> : never;

export function api<Request extends Shape, Response extends Shape>(
  table: ApiTable<Request, Response>,
): Api<Request, Response> {
  const { least, most } = rangeOf(table.versions);
  const isFlexible = (version: number) => table.flexible !== undefined && includes(table.flexible, version);
  const compiled = (shape: Shape) => {
    const codecs: Codec[] = [];
    return (version: number) => {
      codecs[version] ??= compile(shape, version, isFlexible(version));
      return codecs[version];
    };
  };
  return {
    ...table,
    least,
    most,
    isFlexible,
    requestCodec: compiled(table.request),
    responseCodec: compiled(table.response),
  };
}

/** What stands before each request. */
export interface RequestHeader {
  readonly key: number;
  readonly version: number;
  /** Of the client: it is given back. */
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** As far as it is the same in all versions. */
export function readRequestHeader(from: FrameReader): RequestHeader {
  const key = from.int16();
  const version = from.int16();
  const correlationId = from.int32();
  // Never compact, also where what follows is.
  const length = from.int16();
  return { key, version, correlationId, clientId: length < 0 ? null : from.text(length) };
}

/** Passes over tagged fields: none has a meaning yet. */
export function skipTags(from: FrameReader): void {
  for (let left = from.varint(); left > 0; left--) {
    from.varint();
    from.view(from.varint());
  }
}

/** What stands before each response. @param hasTags whether tagged fields follow, of which there are none. */
export function writeResponseHeader(to: FrameWriter, correlationId: number, hasTags: boolean): void {
  to.int32(correlationId);
  if (hasTags) to.varint(0);
}
