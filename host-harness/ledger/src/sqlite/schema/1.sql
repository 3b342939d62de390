-- Amounts are in the smallest unit of the currency beside them, instants in Unix seconds.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Rules of the merchant, once each.
CREATE TABLE policies (
    hash TEXT PRIMARY KEY,
    json TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE operations (
    id TEXT NOT NULL UNIQUE,
    payment TEXT NOT NULL,
    amount INTEGER,
    currency TEXT,
    request TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    policy TEXT REFERENCES policies (hash),
    approval TEXT,
    state TEXT NOT NULL,
    refund TEXT,
    refunded INTEGER,
    charge TEXT,
    detail TEXT,
    request_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When a request last left whose end nobody knows.
    uncertain INTEGER,
    fee INTEGER,
    fee_currency TEXT,
    updated INTEGER NOT NULL,
    -- The last row of the audit about it.
    audit INTEGER NOT NULL
);
CREATE INDEX operations_unsettled ON operations (payment) WHERE state IN ('sent', 'outcome-unknown');
CREATE INDEX operations_refund ON operations (refund) WHERE refund IS NOT NULL;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    actor TEXT NOT NULL,
    operation TEXT NOT NULL,
    before TEXT,
    after TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    payment TEXT NOT NULL,
    charge TEXT,
    amount INTEGER,
    currency TEXT,
    refund TEXT,
    outcome TEXT,
    request_id TEXT,
    hash BLOB NOT NULL
);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

-- Payments that are being worked on, and by whom.
CREATE TABLE busy (
    payment TEXT PRIMARY KEY,
    operation TEXT NOT NULL,
    holder TEXT NOT NULL
) WITHOUT ROWID;

-- A PaymentIntent and its charge are one payment.
CREATE TABLE aliases (
    payment_intent TEXT PRIMARY KEY,
    charge TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX aliases_charge ON aliases (charge);

CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    input TEXT NOT NULL,
    options TEXT NOT NULL,
    state TEXT NOT NULL,
    lines INTEGER NOT NULL DEFAULT 0,
    repeated INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE lines (
    run INTEGER NOT NULL REFERENCES runs (key),
    line INTEGER NOT NULL,
    operation TEXT NOT NULL,
    open INTEGER NOT NULL DEFAULT 1,
    holder TEXT,
    PRIMARY KEY (run, line)
) WITHOUT ROWID;
CREATE INDEX lines_open ON lines (run, holder, line) WHERE open;
CREATE INDEX lines_operation ON lines (operation);
CREATE TABLE rejects (
    run INTEGER NOT NULL REFERENCES runs (key),
    line INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run, line)
) WITHOUT ROWID;

-- Webhook events, each once.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    object TEXT,
    status TEXT,
    effect TEXT NOT NULL,
    received INTEGER NOT NULL
) WITHOUT ROWID;
-- Refunds that no operation of this ledger made.
CREATE TABLE elsewhere (
    refund TEXT PRIMARY KEY,
    operation TEXT,
    charge TEXT,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT,
    created INTEGER NOT NULL,
    first_seen INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;
