//! What no compiler checks: which room knows which, that functions, template, sample events, route table and routers say the
//! same, that every member keeps to the workspace's lints, and that documents say what the code says and lead somewhere.

mod configuration;
mod links;
mod manifests;
mod rooms;
mod routes;
mod security;
mod telling;
mod text;
mod watching;
