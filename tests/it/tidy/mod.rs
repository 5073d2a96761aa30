//! What no compiler checks: which room knows which, and that functions, template, sample events, route table and routers
//! say the same.

mod rooms;
mod routes;
mod security;
mod text;
