//! The SDK scenario of `tests/lanes/sdk/README.md` in Rust: what a customer's program does with the official crate, step by
//! step, against a gateway of its own. [`steps`](v2::steps) is one text, compiled once for each generation of the SDK: the
//! newest 2.x ([`v2`]) and the last 1.x ([`v1`]). What has another name or another form there is in their files.

#![allow(clippy::duplicate_mod)] // the steps are read twice on purpose

mod v1;
mod v2;
