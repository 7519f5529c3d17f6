import { invalidConfig } from "../errors.js";

/**
 * @param uri `etcd://host:port,host:port/prefix`: members of one cluster, spoken to over HTTP.
 * @returns the members' addresses, and what keys begin with.
 * @throws LakehouseError INVALID_CONFIG
 */
export function parseEtcdUri(uri: string): { readonly endpoints: string[]; readonly prefix: string } {
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
