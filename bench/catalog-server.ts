/** node catalog-server.js <directory> <durable|fast>: our catalog server, for a bench to measure from another process. */
import { join } from "node:path";
import { openCatalog, serveRestCatalog } from "sololakehouse/catalog";
import { LocalStore } from "sololakehouse/storage";

const [directory = ".", mode] = process.argv.slice(2);
const isDurable = mode === "durable";
const store = new LocalStore(join(directory, "warehouse"), { durable: isDurable });
const backend = isDurable ? join(directory, "catalog.db") : ":memory:";
const catalog = await openCatalog({ backend, store });
const server = await serveRestCatalog({ catalog, store, port: 0 });
console.log(server.uri);
process.stdin.resume().on("end", () => process.exit(0));
