//! The refund-node command.
