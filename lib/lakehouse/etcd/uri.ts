import { invalidConfig } from "../errors.js";

/**
 * @param uri `etcd://host:port,host:port/prefix`: members of one cluster, spoken to over HTTP.
 * @returns the members' addresses, and what keys begin with.
 * @throws LakehouseError INVALID_CONFIG
 */
export function parseEtcdUri(uri: string): { readonly endpoints: string[]; readonly prefix: string } {
  // It is said before anything repeats the address: `fetch` takes none with a password, and tells it in its error.
  if (
    uri
      .replace(/^etcd:\/*/, "")
      .split("/", 1)[0]
      ?.includes("@")
  )
    throw invalidConfig(
      "etcd",
      "The address of etcd holds a name or a password, which it is not sent.",
      "Write it without, as etcd://host:2379/prefix, and let the network decide who reaches it.",
    );
  const match = /^etcd:\/\/([^/]+)(?:\/(.*?)\/*)?$/.exec(uri);
  const endpoints = match?.[1]?.split(",").map((address) => `http://${address}`) ?? [];
  if (match === null || !endpoints.every((endpoint) => URL.canParse(endpoint))) {
    throw invalidConfig(
      uri,
      `${JSON.stringify(uri)} names no etcd cluster.`,
      "Write it as etcd://host:2379,host:2379/prefix.",
    );
  }
  return { endpoints, prefix: `${match[2] || "sololakehouse"}/` };
}
