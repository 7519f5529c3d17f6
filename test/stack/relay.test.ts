// The network that drills cut: held against a server that answers each line with what it has been told so far.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { Relay } from "../../lib/kit/stack/drills/relay.js";

let told: string[];
/** The server's ends of its connections. */
let taken: Socket[];
let server: Server;
let relay: Relay;
let client: Socket;

beforeEach(async () => {
  told = [];
  taken = [];
  server = createServer((socket) => {
    taken.push(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      told.push(bytes.toString());
      socket.write(`had ${told.length}`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  relay = await Relay.to((server.address() as AddressInfo).port);
  client = connect(relay.port, "127.0.0.1");
  await once(client, "connect");
});
afterEach(async () => {
  client.destroy();
  await relay.close();
  server.close();
});

const answer = async (): Promise<string> => {
  const [bytes] = (await once(client, "data")) as [Buffer];
  return bytes.toString();
};

test("it carries bytes both ways; cut, it holds what is sent; mended, it hands that on", async () => {
  client.write("a");
  expect(await answer()).toBe("had 1");
  relay.cut();
  expect(relay.isHolding).toBe(false);
  client.write("b");
  await expect.poll(() => relay.isHolding).toBe(true);
  expect(told).toEqual(["a"]);
  relay.mend();
  expect(await answer()).toBe("had 2");
  expect(told).toEqual(["a", "b"]);
});

test("cut, it takes a connection and answers nothing until it is mended", async () => {
  relay.cut();
  const late = connect(relay.port, "127.0.0.1");
  onTestFinished(() => void late.destroy());
  await once(late, "connect");
  late.write("late");
  await expect.poll(() => relay.isHolding).toBe(true);
  expect(told).toEqual([]);
  relay.mend();
  expect(String(await once(late, "data"))).toBe("had 1");
});

test.each(["client", "server"])("where the %s breaks off, the other one hears it", async (who) => {
  client.write("a");
  await answer();
  const [near, far] = who === "client" ? [client, taken[0]] : [taken[0], client];
  const heard = once(far as Socket, "close");
  near?.end();
  await heard;
});

test("what its sender has given up arrives all the same", async () => {
  client.write("a");
  expect(await answer()).toBe("had 1");
  relay.cut();
  client.write("late");
  await expect.poll(() => relay.isHolding).toBe(true);
  client.end();
  relay.mend();
  await expect.poll(() => told).toEqual(["a", "late"]);
});

test("it throws away the answer to the request that is meant, and tells when", async () => {
  const lost = relay.losesAnswer(/^POST/);
  client.write("GET");
  expect(await answer()).toBe("had 1");
  let answered = false;
  client.on("data", () => {
    answered = true;
  });
  client.write("POST");
  await lost;
  expect(told).toEqual(["GET", "POST"]);
  const closed = once(client, "close");
  await relay.close();
  await closed;
  expect(answered).toBe(false);
  relay = await Relay.to((server.address() as AddressInfo).port);
});
