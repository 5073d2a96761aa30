//! Embedded engines.
