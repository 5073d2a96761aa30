//! What no compiler checks: which room knows which, that functions, template, sample events, route table and routers say the
//! same, and that every member keeps to the workspace's lints.

mod manifests;
mod rooms;
mod routes;
mod security;
mod text;
