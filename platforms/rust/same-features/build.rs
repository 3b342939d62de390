//! Empty: there for the build-dependencies.

fn main() {}
