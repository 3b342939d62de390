"""The official stripe-python against the simulator. Expects SIMULATOR_URL and SIMULATOR_KEY."""

import http.server
import io
import json
import os
import sys
import threading
import time
import traceback
import urllib.request

import stripe

URL = os.environ["SIMULATOR_URL"]
CLIENT = stripe.StripeClient(
    os.environ["SIMULATOR_KEY"],
    base_addresses={"api": URL, "files": URL},
    max_network_retries=2,

)
CASES = []


def case(function):
    CASES.append(function)
    return function


def control(path, body=None, method="POST"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{URL}/_control/{path}", data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def charge(**order):
    return control("charges", order)


def refunds_of(charge_id):
    return control("stats", method="GET")["refunds_by_charge"].get(charge_id, 0)


def refused(kind, call, **expected):
    try:
        call()
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, f"{name}: {error!r} {getattr(error, name)}"
        return error
    raise AssertionError(f"was not refused with {kind.__name__}")


def create(**params):
    options = params.pop("options", {})
    return CLIENT.v1.refunds.create(params, options)


@case
def create_retrieve_update():
    paid = charge(amount=2500)
    made = create(charge=paid["id"], amount=1000, metadata={"order": "1 & 2 +"})
    assert made.status == "succeeded" and made.metadata["order"] == "1 & 2 +"
    read = CLIENT.v1.refunds.retrieve(made.id, {"expand": ["charge"]})
    assert read.charge.amount_refunded == 1000
    updated = CLIENT.v1.refunds.update(made.id, {"metadata": {"note": "x"}})
    assert updated.metadata["note"] == "x"


@case
def list_with_paging():
    paid = charge(amount=5000)
    for _ in range(25):
        create(charge=paid["id"], amount=1)
    page = CLIENT.v1.refunds.list({"charge": paid["id"], "limit": 10})
    assert len(page.data) == 10 and page.has_more
    assert len({refund.id for refund in page.auto_paging_iter()}) == 25
    since = {"charge": paid["id"], "created": {"gte": paid["created"]}, "limit": 100}
    assert len(CLIENT.v1.refunds.list(since).data) == 25


@case
def cancel_only_what_waits():
    made = create(charge=charge(refunds_need_action=True)["id"])
    assert CLIENT.v1.refunds.cancel(made.id).status == "canceled"
    refused(stripe.InvalidRequestError, lambda: CLIENT.v1.refunds.cancel(made.id))


@case
def what_stripe_refuses():
    paid = charge(amount=1000)["id"]
    refused(stripe.InvalidRequestError, lambda: create(charge=paid, amount=1001), param="amount", code=None)
    create(charge=paid)
    refused(stripe.InvalidRequestError, lambda: create(charge=paid), code="charge_already_refunded")
    refused(stripe.InvalidRequestError, lambda: create(charge="ch_none"), code="resource_missing")
    refused(stripe.InvalidRequestError, lambda: create(charge=paid, amount=0), param="amount")


@case
def currencies_without_decimals():
    paid = charge(amount=5000, currency="jpy")["id"]
    assert create(charge=paid, amount=500).amount == 500
    error = refused(stripe.InvalidRequestError, lambda: create(charge=paid, amount=4501))
    assert "4501 JPY" in str(error), error
    dinar = charge(amount=5000, currency="kwd")["id"]
    refused(stripe.InvalidRequestError, lambda: create(charge=dinar, amount=1234), param="amount")


@case
def keys():
    client = stripe.StripeClient("nonsense", base_addresses={"api": URL})
    refused(stripe.AuthenticationError, client.v1.refunds.list, http_status=401)
    client = stripe.StripeClient("pk_test_1", base_addresses={"api": URL})
    refused(stripe.PermissionError, client.v1.refunds.list, http_status=403)


@case
def a_lost_answer_is_retried_with_the_same_key():
    for fault in ({"kind": "reset"}, {"kind": "status", "status": 503}):
        paid = charge()["id"]
        control("faults", {"method": "POST", "path": "/v1/refunds", "after_commit": True, **fault})
        assert create(charge=paid, amount=500).amount == 500
        assert refunds_of(paid) == 1


@case
def idempotency():
    paid = charge()["id"]
    key = {"idempotency_key": f"python-{paid}"}
    first = create(charge=paid, amount=100, options=key)
    assert create(charge=paid, amount=100, options=key).id == first.id
    refused(stripe.IdempotencyError, lambda: create(charge=paid, amount=200, options=key))


@case
def a_late_failure_gives_the_amount_back():
    paid = charge(amount=1000)["id"]
    made = create(charge=paid)
    control("refunds/end", {"refund": made.id, "status": "failed", "reason": "expired_or_canceled_card"})
    failed = CLIENT.v1.refunds.retrieve(made.id)
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert CLIENT.v1.charges.retrieve(paid).amount_refunded == 0


@case
def a_low_balance_makes_a_refund_wait():
    control("balance", {"currency": "sek", "available": 0})
    paid = charge(amount=1000, currency="sek")["id"]
    control("balance", {"currency": "sek", "available": 0})
    made = create(charge=paid)
    assert (made.status, made.pending_reason) == ("pending", "insufficient_funds")
    control("balance", {"currency": "sek", "available": 5000})
    assert CLIENT.v1.refunds.retrieve(made.id).status == "succeeded"


@case
def evidence_with_a_file_is_staged_and_sent_once():
    made = control("disputes", {"charge": charge()["id"]})["id"]
    paper = io.BytesIO(b"\x89PNG\r\n\x1a\n and so on")
    paper.name = "letter.png"
    file = CLIENT.v1.files.create({"purpose": "dispute_evidence", "file": paper})
    assert (file.type, file.filename, file.size) == ("png", "letter.png", 18)
    assert CLIENT.v1.files.retrieve(file.id).purpose == "dispute_evidence"
    update = CLIENT.v1.disputes.update
    evidence = {"customer_communication": file.id, "customer_name": "Anna"}
    staged = update(made, {"evidence": evidence, "submit": False})
    assert (staged.status, staged.evidence.customer_communication) == ("needs_response", file.id)
    sent = update(made, {"evidence": {"customer_name": ""}})
    assert sent.status == "under_review" and sent.evidence.customer_name is None
    assert sent.evidence_details.submission_count == 1
    again = {"evidence": {"customer_name": "Anna"}, "submit": False}
    refused(stripe.InvalidRequestError, lambda: update(made, again), http_status=400)
    refused(stripe.InvalidRequestError, lambda: CLIENT.v1.disputes.close(made), http_status=400)


@case
def a_dispute_is_closed_for_good():
    made = control("disputes", {"charge": charge(amount=700)["id"]})["id"]
    lost = CLIENT.v1.disputes.close(made)
    assert (lost.status, lost.is_charge_refundable) == ("lost", False)
    assert [one.amount for one in lost.balance_transactions] == [-700]
    listed = CLIENT.v1.disputes.list({"charge": lost.charge})
    assert [one.id for one in listed.data] == [made]


@case
def an_invoice_with_several_payments():
    subscription = control("subscriptions", {"items": [{"amount": 5000}]})
    made = control("invoices", {"subscription": subscription["id"], "payments": [{"amount": 2000}, {}]})
    invoice = CLIENT.v1.invoices.retrieve(made["id"], {"expand": ["payments"]})
    assert [one.amount_paid for one in invoice.payments.data] == [3000, 2000]
    assert invoice.parent.subscription_details.subscription == subscription["id"]
    item = subscription["items"]["data"][0]
    assert invoice.lines.data[0].period.end == item["current_period_end"]
    intent = invoice.payments.data[0].payment.payment_intent
    wanted = {"payment": {"type": "payment_intent", "payment_intent": intent}}
    found = CLIENT.v1.invoice_payments.list(wanted)
    assert [one.invoice for one in found.data] == [made["id"]]
    pages = CLIENT.v1.invoice_payments.list({"invoice": made["id"], "limit": 1})
    assert len(list(pages.auto_paging_iter())) == 2


@case
def a_subscription_is_cancelled():
    made = control("subscriptions", {"items": [{"amount": 5000}, {"interval": "year"}]})["id"]
    read = CLIENT.v1.subscriptions.retrieve(made)
    ends = [item.current_period_end for item in read["items"].data]
    assert ends[0] < ends[1]
    ending = CLIENT.v1.subscriptions.update(made, {"cancel_at": "min_period_end"})
    assert ending.cancel_at == ends[0] and not ending.cancel_at_period_end
    canceled = CLIENT.v1.subscriptions.cancel(made, {"cancellation_details": {"comment": "moved"}})
    assert (canceled.status, canceled.cancellation_details.comment) == ("canceled", "moved")
    refused(stripe.InvalidRequestError, lambda: CLIENT.v1.subscriptions.cancel(made), code="resource_missing")


@case
def a_delivery_is_signed_as_stripe_signs():
    received = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((body, self.headers["stripe-signature"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        endpoint = CLIENT.v1.webhook_endpoints.create(
            {"url": f"http://127.0.0.1:{server.server_port}/", "enabled_events": ["refund.created"]}
        )
        made = create(charge=charge()["id"])
        for _ in range(100):
            if received:
                break
            time.sleep(0.05)
        body, header = received[0]
        event = stripe.Webhook.construct_event(body, header, endpoint.secret)
        assert event["data"]["object"]["id"] == made.id
        refused(
            stripe.SignatureVerificationError,
            lambda: stripe.Webhook.construct_event(body + b" ", header, endpoint.secret),
        )
        CLIENT.v1.webhook_endpoints.delete(endpoint.id)
    finally:
        server.shutdown()


def main():
    failed = 0
    for function in CASES:
        try:
            function()
            print(f"ok   {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAIL {function.__name__}\n{traceback.format_exc()}")
    print(f"{len(CASES) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
