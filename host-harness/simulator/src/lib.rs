//! A stateful Stripe double over real HTTP on loopback.
