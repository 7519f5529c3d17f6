// The network that drills cut: held against a server that answers each line with what it has been told so far.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Relay } from "../../lib/kit/stack/drills/relay.js";

let told: string[];
let server: Server;
let relay: Relay;
let client: Socket;

beforeEach(async () => {
  told = [];
  server = createServer((socket) => {
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
  await relay.close();
  expect(answered).toBe(false);
  relay = await Relay.to((server.address() as AddressInfo).port);
});
