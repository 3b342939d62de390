//! A model of a few refunds: every interleaving within bounds.
//!
//! # What runs
//!
//! The application layer of the product (`refund-app` without its feature `wasm`) and the client of the component
//! (`refund_core::client`), natively. What surrounds them is small and can be compared and copied: a ledger in memory
//! ([`tables`], which a test compares with SQLite call by call), a Stripe ([`stripe`]), clocks and processes ([`world`]). A
//! call that is under way is kept as what it was given so far ([`tape`]).
//!
//! # What is searched
//!
//! From the empty ledger on, everything that can happen next, in every order, each state once ([`search`]): callers ask,
//! look up, vote, execute and withdraw; transactions, requests and answers take place, are late, or are lost; processes
//! crash; the disk is full; Stripe refuses or has a fault, forgets keys after a day; refunds are made in the Dashboard and
//! fail; events come in any order; 50 seconds, 90 seconds, a day or eight days pass. In every state the invariants
//! ([`world::INVARIANTS`]) must hold, and from every state asking again must lead to what Stripe has.
//!
//! # The bounds
//!
//! How often each of these may happen is bounded ([`bounds`]): one or two processes with a call each at a time, one or two
//! operations, two to eight calls of callers, and the numbers of crashes, losses and so on that each search prints. The short
//! bounds are part of the tests, the long ones are searched by `cargo xtask model`. What lies beyond them is not searched;
//! `tests/simulation` goes further, at random.
//!
//! Not in the model: the sandbox of the component, SQLite itself, runs and their lines, pipelines, follow-ups, and the
//! comparison of the ledger with Stripe. Transactions take place one after the other, as in the ledger.
//!
//! # That it can fail
//!
//! Each bug of [`fault`] is planted in turn, and the short bounds must find it. Ways on which the product once broke an
//! invariant are in `tests/counterexamples.rs`. Bounds name the situations that must be reached in them ([`situation`]).

pub mod bounds;
pub mod call;
pub mod component;
pub mod fault;
pub mod report;
pub mod run;
pub mod search;
pub mod situation;
pub mod stripe;
pub mod tables;
pub mod tape;
pub mod world;
