-- What the audit knows of a payment is compared with the tables before anything is sent on it.
CREATE INDEX audit_payment ON audit (payment);
CREATE INDEX audit_charge ON audit (charge) WHERE charge IS NOT NULL;
