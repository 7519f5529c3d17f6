/** Answers other servers. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { malformedRequest } from "../errors.js";
import type { Ack } from "../partition/partition.js";
import type {
  Ending,
  ProducerIdentity,
  TransactionOwner,
  TransactionPartition,
} from "../transaction-types.js";
import type { Peer } from "./peer.js";
import { told } from "./peer-channel.js";
import { withBigints } from "./remote-peer.js";

/** Of one request: a batch may be as large as its topic allows. */
const MOST_BYTES = 128 * 1024 * 1024;

interface Sent<Identity extends ProducerIdentity> {
  readonly value: Omit<Identity, "producerId"> & { readonly producerId: string };
}

interface Parameters {
  readonly producer: Sent<ProducerIdentity>["value"];
  readonly owner: Sent<TransactionOwner>["value"];
  readonly ending: Sent<Ending>["value"];
  readonly at: TransactionPartition;
  readonly group: string;
  readonly groups: readonly string[];
  readonly coordinatorEpoch: number;
}

/** @param onFault hears of what no other server should. */
export function peerListener(peer: Peer, onFault: (error: unknown) => void) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(peer, request).then(
      (result) => send(response, 200, result ?? null),
      (error: unknown) => {
        const known = told(error);
        if (known === undefined) onFault(error);
        send(response, known === undefined ? 500 : 400, known ?? {});
      },
    );
  };
}

async function answer(peer: Peer, request: IncomingMessage): Promise<unknown> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://peer");
  const body = await bodyOf(request);
  if (pathname === "/append") {
    const at = {
      topicId: searchParams.get("topicId") ?? "",
      partition: Number(searchParams.get("partition")),
    };
    return peer.append(at, body, searchParams.get("ack") as Ack);
  }
  const { producer, owner, ending, at, group, groups, coordinatorEpoch } = JSON.parse(
    body.toString(),
  ) as Parameters;
  switch (pathname) {
    case "/standing":
      return peer.standing(withId(producer), at);
    case "/checkOffsets":
      return peer.checkOffsets(withId(owner), group);
    case "/isEnding":
      return peer.isEnding(withId(ending));
    case "/endAt":
      return peer.endAt(at, withId(ending), coordinatorEpoch);
    case "/endOffsets":
      return peer.endOffsets(groups, withId(ending), coordinatorEpoch);
    case "/newProducerIds":
      return peer.newProducerIds();
    default:
      throw malformedRequest(
        pathname,
        `Nothing is asked by ${pathname} here.`,
        "Run one release everywhere.",
      );
  }
}

function withId<Value extends { readonly producerId: string }>(value: Value) {
  return { ...value, producerId: BigInt(value.producerId) };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES)
      throw malformedRequest("request", "A request of another server is too large.", "Send less at once.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, answer: unknown): void {
  const body = Buffer.from(JSON.stringify(answer, withBigints));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}
