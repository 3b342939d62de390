//! Lines of an input: what they ask for, or what is wrong with them.
//!
//! CSV with a header, or one JSON object a line. Columns and fields have the same names:
//!
//! | name | what |
//! |---|---|
//! | `payment`, `charge` or `payment_intent` | `ch_…`, `py_…` or `pi_…` |
//! | `amount` | a decimal of the currency (`25.00`, `500` yen), or `all` for what is left |
//! | `minor` | the amount in the smallest unit, instead of `amount` |
//! | `currency` | needed beside an amount |
//! | `operation` | your own name for this refund; or a template makes it from other columns |
//! | `reason` | `duplicate`, `fraudulent`, `requested_by_customer`, or empty |
//! | `metadata.…` | your own keys; in JSON also `metadata` as an object |
//!
//! `approval` is refused: an approval is the votes that the ledger recorded, and no value of a file.

mod columns;
mod csv_lines;
mod json_lines;
mod line;
mod lines;
mod objects;
mod reader;
mod template;

pub use self::columns::Columns;
pub use self::line::{Bad, Fields, InputError, LONGEST_LINE, Numbered};
pub use self::objects::{NumberedObject, Objects};
pub use self::reader::Reader;
pub use self::template::Template;

#[cfg(test)]
mod tests;
