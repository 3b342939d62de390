-- Follow-ups on their way: one row for each sink that wants one. Nothing is ever deleted.
CREATE TABLE outbox (
    -- The order in which they were found.
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    sink TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    -- The newest claim, and until when it holds.
    claim INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0,
    UNIQUE (id, sink)
);
CREATE INDEX outbox_due ON outbox (sink, next_try, key) WHERE state = 'waiting';
CREATE INDEX outbox_subject ON outbox (sink, subject, key) WHERE state = 'waiting';
CREATE INDEX outbox_dead ON outbox (id, sink) WHERE state = 'dead';
-- Sinks that want no more.
CREATE TABLE sinks_off (
    sink TEXT PRIMARY KEY,
    reason TEXT NOT NULL
) WITHOUT ROWID;
-- Which of two events tells more of what is left of a payment.
CREATE INDEX events_of_charge ON events (object, created) WHERE kind = 'charge.refunded';
