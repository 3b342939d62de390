//! Builds the component, runs the demo, runs every check.
