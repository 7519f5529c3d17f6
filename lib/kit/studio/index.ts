/**
 * The studio: the notebooks in a browser, stepped through on a kernel of this machine, beside the lakehouse that they change
 * and the texts that are made from them. `serve.ts` puts the server together; the browser's half is in `ui/`, and
 * `contract.ts` is what the two say to each other. Jupyter's own protocol is on the same server.
 */
export { type StudioServer, serveStudio } from "./serve.js";
