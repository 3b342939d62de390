// The official stripe-node against the simulator: code nobody here wrote judges whether it is
// Stripe-like. Expects SIMULATOR_URL and SIMULATOR_KEY.
import assert from 'node:assert/strict';
import http from 'node:http';
import Stripe from 'stripe';

const url = new URL(process.env.SIMULATOR_URL);
const client = (more = {}) =>
  new Stripe(process.env.SIMULATOR_KEY, {
    host: url.hostname,
    port: url.port,
    protocol: 'http',
    telemetry: false,
    maxNetworkRetries: 2,
    ...more,
  });
const stripe = client();

const control = async (path, body, method = 'POST') => {
  const answer = await fetch(`${url.origin}/_control/${path}`, {
    method,
    body: body && JSON.stringify(body),
  });
  const json = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(json));
  return json;
};
const charge = (order = {}) => control('charges', order);
const refundsOf = async (id) =>
  (await control('stats', undefined, 'GET')).refunds_by_charge[id] ?? 0;
const refusal = async (promise, expected) => {
  const error = await promise.then(
    () => assert.fail('was not refused'),
    (error) => error,
  );
  for (const [name, value] of Object.entries(expected)) assert.equal(error[name], value, `${name}: ${error.message}`);
  return error;
};

const cases = {
  'create, retrieve, update': async () => {
    const { id } = await charge({ amount: 2500 });
    const made = await stripe.refunds.create({ charge: id, amount: 1000, reason: 'requested_by_customer', metadata: { order: '1 & 2' } });
    assert.equal(made.status, 'succeeded');
    assert.equal(made.metadata.order, '1 & 2');
    assert.match(made.lastResponse.requestId, /^req_/);
    const read = await stripe.refunds.retrieve(made.id, { expand: ['charge', 'balance_transaction'] });
    assert.equal(read.charge.amount_refunded, 1000);
    assert.equal(read.balance_transaction.net, -1000);
    const updated = await stripe.refunds.update(made.id, { metadata: { order: '', note: 'x' } });
    assert.deepEqual(updated.metadata, { note: 'x' });
  },
  'list with paging': async () => {
    const { id } = await charge({ amount: 5000 });
    for (let n = 0; n < 25; n++) await stripe.refunds.create({ charge: id, amount: 1 });
    const first = await stripe.refunds.list({ charge: id, limit: 10 });
    assert.equal(first.data.length, 10);
    assert.equal(first.has_more, true);
    const all = await stripe.refunds.list({ charge: id, limit: 10 }).autoPagingToArray({ limit: 100 });
    assert.equal(new Set(all.map((refund) => refund.id)).size, 25);
    const back = await stripe.refunds.list({ charge: id, limit: 5, ending_before: all[20].id });
    assert.deepEqual(back.data.map((r) => r.id), all.slice(15, 20).map((r) => r.id));
  },
  'a payment intent and its charge': async () => {
    const { id, payment_intent } = await charge({ amount: 3000, customer: 'cus_1' });
    const intent = await stripe.paymentIntents.retrieve(payment_intent, { expand: ['latest_charge.balance_transaction'] });
    assert.equal(intent.latest_charge.id, id);
    assert.equal(intent.latest_charge.balance_transaction.fee, 117);
    const made = await stripe.refunds.create({ payment_intent });
    assert.equal(made.amount, 3000);
    assert.equal((await stripe.charges.retrieve(id)).refunded, true);
  },
  'an uncaptured payment is cancelled, not refunded': async () => {
    const { payment_intent } = await charge({ captured: false });
    await refusal(stripe.refunds.create({ payment_intent }), { type: 'StripeInvalidRequestError', code: 'payment_intent_unexpected_state' });
    assert.equal((await stripe.paymentIntents.cancel(payment_intent)).status, 'canceled');
  },
  'cancel only what waits': async () => {
    const waiting = await charge({ refunds_need_action: true });
    const made = await stripe.refunds.create({ charge: waiting.id });
    assert.equal(made.status, 'requires_action');
    assert.equal((await stripe.refunds.cancel(made.id)).status, 'canceled');
    await refusal(stripe.refunds.cancel(made.id), { type: 'StripeInvalidRequestError', statusCode: 400 });
  },
  'what Stripe refuses': async () => {
    const { id } = await charge({ amount: 1000 });
    const over = await refusal(stripe.refunds.create({ charge: id, amount: 1001 }), { type: 'StripeInvalidRequestError', param: 'amount', code: undefined });
    assert.match(over.message, /10\.01.*10\.00/);
    await stripe.refunds.create({ charge: id });
    await refusal(stripe.refunds.create({ charge: id }), { code: 'charge_already_refunded' });
    await refusal(stripe.refunds.create({ charge: 'ch_none' }), { code: 'resource_missing', param: 'charge', statusCode: 404 });
    await refusal(stripe.refunds.create({ charge: id, payment_intent: 'pi_1' }), { code: 'parameters_exclusive' });
    await refusal(stripe.refunds.create({}), { code: 'parameter_missing' });
    await refusal(stripe.refunds.create({ charge: id, colour: 'red' }), { code: 'parameter_unknown', param: 'colour' });
    await refusal(stripe.refunds.create({ charge: id, amount: 'ten' }), { code: 'parameter_invalid_integer', param: 'amount' });
    const disputed = await charge();
    await control('disputes', { charge: disputed.id });
    await refusal(stripe.refunds.create({ charge: disputed.id }), { code: 'charge_disputed' });
  },
  'keys and modes': async () => {
    const wrong = (key) => new Stripe(key, { host: url.hostname, port: url.port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
    await refusal(wrong('nonsense').refunds.list(), { type: 'StripeAuthenticationError', statusCode: 401 });
    await refusal(wrong('pk_test_1').refunds.list(), { type: 'StripePermissionError', statusCode: 403 });
    const { id } = await charge();
    await refusal(wrong('sk_live_1').refunds.create({ charge: id }), { code: 'resource_missing' });
    assert.ok((await wrong('rk_test_1').refunds.list()).data);
  },
  'a lost answer is retried with the same key: one refund': async () => {
    for (const kind of ['reset', 'status']) {
      const { id } = await charge();
      await control('faults', { method: 'POST', path: '/v1/refunds', kind, after_commit: true, ...(kind === 'status' && { status: 500 }) });
      const made = await stripe.refunds.create({ charge: id, amount: 500 });
      assert.equal(made.amount, 500);
      assert.equal(made.lastResponse.headers['idempotent-replayed'], 'true');
      assert.equal(await refundsOf(id), 1, kind);
    }
  },
  'a key with other parameters is refused, and lapses after a day': async () => {
    const { id } = await charge();
    const key = { idempotencyKey: `key-${id}` };
    const first = await stripe.refunds.create({ charge: id, amount: 100 }, key);
    assert.equal((await stripe.refunds.create({ charge: id, amount: 100 }, key)).id, first.id);
    await refusal(stripe.refunds.create({ charge: id, amount: 200 }, key), { type: 'StripeIdempotencyError', statusCode: 400 });
    await control('clock', { advance: 86_400 });
    assert.notEqual((await stripe.refunds.create({ charge: id, amount: 100 }, key)).id, first.id);
  },
  'rate limits': async () => {
    await control('faults', { kind: 'status', status: 429 });
    await refusal(client({ maxNetworkRetries: 0 }).refunds.list(), { type: 'StripeRateLimitError', code: 'rate_limit' });
    await control('faults', { kind: 'status', status: 429, should_retry: true });
    assert.ok((await stripe.refunds.list()).data);
  },
  'disputes': async () => {
    const { id } = await charge();
    const { id: dispute } = await control('disputes', { charge: id, status: 'warning_needs_response' });
    assert.equal((await stripe.disputes.list({ charge: id })).data[0].id, dispute);
    const staged = await stripe.disputes.update(dispute, { evidence: { customer_name: 'Anna' }, submit: false });
    assert.equal(staged.status, 'warning_needs_response');
    assert.equal((await stripe.disputes.close(dispute)).status, 'lost');
    await refusal(stripe.disputes.close(dispute), { type: 'StripeInvalidRequestError', statusCode: 400 });
  },
  'dispute evidence with a file, staged, sent once, won': async () => {
    const { id: charge_ } = await charge();
    const { id } = await control('disputes', { charge: charge_ });
    const data = Buffer.from('%PDF-1.7\r\n--not the end--\r\n');
    const file = await stripe.files.create({ purpose: 'dispute_evidence', file: { data, name: 'receipt.pdf', type: 'application/pdf' } });
    assert.deepEqual([file.type, file.size, file.filename], ['pdf', data.length, 'receipt.pdf']);
    assert.equal((await stripe.files.retrieve(file.id)).purpose, 'dispute_evidence');
    await refusal(stripe.files.create({ purpose: 'dispute_evidence', file: { data: Buffer.from('GIF89a'), name: 'a.gif' } }), { type: 'StripeInvalidRequestError', param: 'file' });
    await refusal(stripe.disputes.update(id, { evidence: { receipt: 'file_none' }, submit: false }), { code: 'resource_missing', param: 'evidence[receipt]' });
    await refusal(stripe.disputes.update(id, { evidence: { uncategorized_text: 'x'.repeat(20_001) } }), { param: 'evidence[uncategorized_text]' });
    const staged = await stripe.disputes.update(id, { evidence: { receipt: file.id, product_description: 'Tea & milk' }, submit: false, expand: ['evidence.receipt'] });
    assert.deepEqual([staged.status, staged.evidence.receipt.id, staged.evidence_details.has_evidence], ['needs_response', file.id, true]);
    const sent = await stripe.disputes.update(id);
    assert.deepEqual([sent.status, sent.evidence_details.submission_count], ['under_review', 1]);
    await refusal(stripe.disputes.update(id, { evidence: { customer_name: 'Anna' } }), { type: 'StripeInvalidRequestError', statusCode: 400 });
    await control('disputes/close', { dispute: id, status: 'won' });
    const won = await stripe.disputes.retrieve(id);
    assert.deepEqual(won.balance_transactions.map((one) => one.amount), [-2500, 2500]);
  },
  'an invoice with several payments': async () => {
    const { id: subscription, items } = await control('subscriptions', { items: [{ amount: 3000, quantity: 2 }, { amount: 1000, interval: 'year' }] });
    const { id } = await control('invoices', { subscription, payments: [{ amount: 2500 }, {}] });
    const plain = await stripe.invoices.retrieve(id);
    assert.deepEqual([plain.payments, plain.amount_paid, plain.status], [undefined, 7000, 'paid']);
    assert.equal(plain.parent.subscription_details.subscription, subscription);
    const line = plain.lines.data[0];
    assert.equal(line.parent.subscription_item_details.subscription_item, items.data[0].id);
    assert.equal(line.period.end, items.data[0].current_period_end);
    assert.equal(line.quantity_decimal.toString(), '2');
    const { payments } = await stripe.invoices.retrieve(id, { expand: ['payments.data.payment.payment_intent'] });
    assert.deepEqual(payments.data.map((one) => one.payment.payment_intent.amount_received), [4500, 2500]);
    const payment_intent = payments.data[1].payment.payment_intent.id;
    const found = await stripe.invoicePayments.list({ payment: { type: 'payment_intent', payment_intent } });
    assert.deepEqual(found.data.map((one) => [one.invoice, one.amount_paid]), [[id, 2500]]);
    const all = await stripe.invoicePayments.list({ invoice: id, status: 'paid', limit: 1 }).autoPagingToArray({ limit: 10 });
    assert.deepEqual(all.map((one) => one.id), payments.data.map((one) => one.id));
    assert.equal((await stripe.invoicePayments.retrieve(all[0].id)).is_default, false);
    assert.equal((await stripe.invoices.listLineItems(id)).data.length, 2);
    assert.equal((await stripe.invoices.list({ subscription })).data[0].id, id);
    await stripe.refunds.create({ payment_intent, amount: 100 });
  },
  'a subscription is ended later, and at once': async () => {
    const { id, items } = await control('subscriptions', { items: [{ amount: 3000 }] });
    const read = await stripe.subscriptions.retrieve(id, { expand: ['latest_invoice', 'items.data.price.product'] });
    assert.equal(read.current_period_end, undefined);
    assert.equal(read.items.data[0].price.unit_amount_decimal.toString(), '3000');
    const ending = await stripe.subscriptions.update(id, { cancel_at_period_end: true, metadata: { why: 'test' } });
    assert.deepEqual([ending.cancel_at, ending.status], [items.data[0].current_period_end, 'active']);
    const canceled = await stripe.subscriptions.cancel(id, { prorate: true, invoice_now: true, cancellation_details: { feedback: 'unused' } });
    assert.deepEqual([canceled.status, canceled.cancellation_details.feedback], ['canceled', 'unused']);
    const [credit] = (await stripe.invoices.list({ subscription: id })).data;
    assert.ok(credit.total < 0 && credit.total >= -3000, `${credit.total}`);
    await refusal(stripe.subscriptions.cancel(id), { code: 'resource_missing', statusCode: 404 });
    assert.deepEqual((await stripe.subscriptions.list({ status: 'canceled' })).data.map((one) => one.id).includes(id), true);
  },
  'balance and events': async () => {
    assert.equal((await stripe.balance.retrieve()).object, 'balance');
    const types = (await stripe.events.list({ limit: 100 })).data.map((event) => event.type);
    for (const type of ['refund.created', 'charge.refunded', 'charge.dispute.created', 'charge.dispute.funds_withdrawn', 'invoice_payment.paid', 'customer.subscription.deleted']) assert.ok(types.includes(type), type);
  },
  'a delivery is signed as Stripe signs': async () => {
    const received = [];
    let refuse = true;
    const server = http.createServer((request, response) => {
      const parts = [];
      request.on('data', (part) => parts.push(part));
      request.on('end', () => {
        // The first delivery is turned away: it has to come again.
        response.statusCode = refuse ? 500 : 200;
        if (!refuse) received.push({ body: Buffer.concat(parts), header: request.headers['stripe-signature'] });
        refuse = false;
        response.end();
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const endpoint = await stripe.webhookEndpoints.create({ url: `http://127.0.0.1:${server.address().port}/`, enabled_events: ['refund.created'] });
      const { id } = await charge();
      const made = await stripe.refunds.create({ charge: id });
      for (let wait = 0; wait < 100 && received.length === 0; wait++) await new Promise((resolve) => setTimeout(resolve, 50));
      const { body, header } = received[0];
      // The simulator's clock was moved on above; the age is judged against it.
      const event = stripe.webhooks.constructEvent(body, header, endpoint.secret, 0);
      assert.equal(event.data.object.id, made.id);
      assert.throws(() => stripe.webhooks.constructEvent(`${body} `, header, endpoint.secret, 0));
      assert.throws(() => stripe.webhooks.constructEvent(body, header, 'whsec_other', 0));
      await stripe.webhookEndpoints.del(endpoint.id);
    } finally {
      server.close();
    }
  },
};

let failed = 0;
for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stack}`);
  }
}
console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
