//! The library a platform embeds: runs the refund component in a sandbox.
