-- What somebody must agree to, frozen by hash.
CREATE TABLE approvals (
    key INTEGER PRIMARY KEY,
    operation TEXT NOT NULL REFERENCES operations (id),
    -- What the component froze: payment, amount, reason, metadata, flags, number of people.
    request_hash TEXT NOT NULL,
    -- The hash of the operation when it was frozen.
    operation_hash TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    requester TEXT NOT NULL,
    needed INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    state TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    decided INTEGER
);
-- One at a time for an operation.
CREATE UNIQUE INDEX approvals_alive ON approvals (operation) WHERE state IN ('open', 'approved');
CREATE TABLE votes (
    approval INTEGER NOT NULL REFERENCES approvals (key),
    voter TEXT NOT NULL,
    agrees INTEGER NOT NULL,
    note TEXT,
    time INTEGER NOT NULL,
    PRIMARY KEY (approval, voter)
) WITHOUT ROWID;
