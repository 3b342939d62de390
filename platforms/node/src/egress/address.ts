import { BlockList, isIPv4, isIPv6 } from "node:net";

import { EGRESS } from "../generated/egress.js";

const isOfV4 = (network: string): boolean => !network.includes(":");
const specialV4 = EGRESS.special_networks.filter(isOfV4);

// One list for each family: a list with both compares IPv4 addresses with networks of IPv6.
const special = blockList(specialV4);
const specialV6 = blockList(EGRESS.special_networks.filter((network) => !isOfV4(network)));
const wrapped = blockList(EGRESS.ipv4_inside);
const specialWrapped = blockList(EGRESS.ipv4_inside.flatMap((outer) => specialV4.map((inner) => wrap(outer, inner))));
const loopback = blockList(["127.0.0.0/8"]);

/** Whether an address is publicly routable. One with a zone is of this machine's links. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  if (!isIPv6(address) || address.includes("%")) return false;
  return !(wrapped.check(address, "ipv6") ? specialWrapped : specialV6).check(address, "ipv6");
}

export function isLoopback(address: string): boolean {
  return isIPv4(address) ? loopback.check(address, "ipv4") : address === "::1";
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [first, bits] = split(network);
    list.addSubnet(first, bits, isOfV4(network) ? "ipv4" : "ipv6");
  }
  return list;
}

/** An IPv4 network as it is inside an IPv6 network: `10.0.0.0/8` in `64:ff9b::/96` is `64:ff9b::10.0.0.0/104`. */
function wrap(outer: string, inner: string): string {
  const [[prefix, before], [first, bits]] = [split(outer), split(inner)];
  return `${prefix.replace("0.0.0.0", "")}${first}/${String(before + bits)}`;
}

function split(network: string): [first: string, bits: number] {
  const [first = "", bits] = network.split("/");
  return [first, Number(bits)];
}
