-- Who asked first, and who corrected the request later.
ALTER TABLE operations ADD COLUMN requester TEXT;
ALTER TABLE operations ADD COLUMN corrected_by TEXT;
-- Why it stands where it stands, as JSON.
ALTER TABLE operations ADD COLUMN settlement TEXT;
-- Requests to make the refund that left, or may have left.
ALTER TABLE operations ADD COLUMN changes_sent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE operations ADD COLUMN payment_intent TEXT;
-- An earlier version did not count them: what was begun may have been sent.
UPDATE operations SET changes_sent = attempts WHERE attempts > 0;
-- The first row of the audit names who asked first, as `user (command)`; an approval named whoever had filed it anew.
-- `rtrim` takes everything behind the last parenthesis.
UPDATE operations SET requester = coalesce(
    (SELECT CASE WHEN actor LIKE '% (%)'
         THEN substr(actor, 1, length(rtrim(actor, replace(actor, '(', ''))) - 2) ELSE actor END
     FROM audit WHERE audit.operation = operations.id ORDER BY seq LIMIT 1),
    (SELECT requester FROM approvals WHERE operation = operations.id ORDER BY key LIMIT 1),
    'unknown');
UPDATE operations SET payment_intent =
    (SELECT payment_intent FROM aliases WHERE aliases.charge = operations.charge) WHERE charge IS NOT NULL;
-- Only recorded votes approve: the approval of an operation is looked up when it is executed.
ALTER TABLE operations DROP COLUMN approval;
CREATE INDEX operations_payment ON operations (payment);
CREATE INDEX operations_charge ON operations (charge) WHERE charge IS NOT NULL;
CREATE INDEX approvals_operation ON approvals (operation);
ALTER TABLE votes ADD COLUMN own_request INTEGER NOT NULL DEFAULT 0;
-- Whoever the approval named as requester agreed only where the merchant permitted that.
UPDATE votes SET own_request = 1 WHERE agrees AND voter = (SELECT requester FROM approvals WHERE key = approval);
UPDATE approvals SET requester = (SELECT requester FROM operations WHERE id = operation);
-- A digest of what the tables hold after a row.
ALTER TABLE audit ADD COLUMN held TEXT;
CREATE INDEX audit_operation ON audit (operation, seq);
-- The payment of a line by its one name, and whether its operation was settled before the run.
ALTER TABLE lines ADD COLUMN payment TEXT;
ALTER TABLE lines ADD COLUMN settled_before INTEGER NOT NULL DEFAULT 0;
UPDATE lines SET payment = (SELECT coalesce(
        (SELECT charge FROM aliases WHERE payment_intent = operations.payment), operations.payment)
    FROM operations WHERE operations.id = lines.operation);
CREATE INDEX lines_payment ON lines (run, payment, line) WHERE open;
-- Whether a sink may have got the body: from then on it is the same in every try. Name and address of a customer are
-- filled in before. What an earlier version tried was sent as it stands.
ALTER TABLE outbox ADD COLUMN fixed INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET fixed = 1 WHERE attempts > 0 OR state = 'delivered';
