import { BlockList, isIPv4 } from "node:net";

/** IPv4 networks that are not somebody else's on the open network. The metadata services of clouds are in 169.254. */
const SPECIAL_V4: [network: string, prefix: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
];

/** Corners of the global IPv6 range that are none of it: documentation, tunnels. */
const SPECIAL_V6: [network: string, prefix: number][] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["3fff::", 16],
];

const special = blockList(SPECIAL_V4, "ipv4");
const specialV6 = blockList(
  [...SPECIAL_V6, ...SPECIAL_V4.flatMap(([network, prefix]) => embedded(network, prefix))],
  "ipv6",
);
/** Where IPv6 addresses of the open network are: global unicast, and IPv4 in its IPv6 clothes. */
const routable = blockList(
  [
    ["2000::", 3],
    ["64:ff9b::", 96],
    ["::ffff:0:0", 96],
    ["::", 96],
  ],
  "ipv6",
);
const loopback = blockList([["127.0.0.0", 8]], "ipv4");

/** Neither loopback, private, link-local, shared, documentation, multicast nor otherwise reserved. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !special.check(address, "ipv4");
  return routable.check(address, "ipv6") && !specialV6.check(address, "ipv6");
}

export function isLoopback(address: string): boolean {
  return isIPv4(address) ? loopback.check(address, "ipv4") : address === "::1";
}

function blockList(networks: [string, number][], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
}

/** An IPv4 network as it looks inside mapped, compatible, NAT64 and 6to4 addresses. */
function embedded(network: string, prefix: number): [string, number][] {
  const [a = 0, b = 0, c = 0, d = 0] = network.split(".").map(Number);
  const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  return [
    [`::ffff:${hex}`, 96 + prefix],
    [`::${hex}`, 96 + prefix],
    [`64:ff9b::${hex}`, 96 + prefix],
    [`2002:${hex}::`, 16 + prefix],
  ];
}
