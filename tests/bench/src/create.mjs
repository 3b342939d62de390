// Refunds the charges of a CSV file, 64 in flight; prints seconds, and seconds of computing. With `read-first`, each charge
// and its refunds are read before, as the component does.
import { readFileSync } from 'node:fs';
import Stripe from 'stripe';

const [url, csv, how] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const stripe = new Stripe('sk_test_simulator', { host: hostname, port, protocol: 'http', maxNetworkRetries: 2 });
const charges = readFileSync(csv, 'utf8').trim().split('\n').slice(1).map((line) => line.split(','));
// Loading Node and the library is not part of it, as loading the component is not.
const before = process.cpuUsage();
const start = performance.now();
let next = 0;
const worker = async () => {
  while (next < charges.length) {
    const [charge] = charges[next++];
    if (how === 'read-first') await stripe.charges.retrieve(charge, { expand: ['balance_transaction', 'refunds'] });
    await stripe.refunds.create({ charge }, { idempotencyKey: `bench-${charge}` });
  }
};
await Promise.all(Array.from({ length: 64 }, worker));
const { user, system } = process.cpuUsage(before);
console.log((performance.now() - start) / 1e3, (user + system) / 1e6);
