//! Tokens for portals, and their end.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op};
use crate::http::wire::authentication::{AppPortalAccessIn, AppPortalAccessOut, ApplicationTokenExpireIn};

const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhcHBfMSJ9.c2lnbmF0dXJl";

fn shown() -> Value {
    json!({ "url": format!("https://portal.example.com/#key={TOKEN}"), "token": TOKEN })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("authentication.app-portal-access", "Get a token for an application's portal")
            .describe("The token is for the customer's browser: good for this application, within its capabilities.")
            .body::<AppPortalAccessIn>(json!({ "expiry": 3_600, "sessionId": "user-17", "capabilities": ["ViewBase"] }))
            .answers::<AppPortalAccessOut>(200, shown())
            .errors(&[409]),
        op("authentication.dashboard-access", "Get a token for an application's portal, the older way")
            .describe("The token may do everything in its application, for a week.")
            .answers::<AppPortalAccessOut>(200, shown()),
        op("authentication.expire-all", "End an application's portal tokens")
            .describe("Those that were issued until now; later ones are good.")
            .body::<ApplicationTokenExpireIn>(json!({ "sessionIds": ["user-17"] }))
            .answers_nothing("They end when they should."),
        op("authentication.logout", "End the portal token that asks")
            .describe("A token of the organization is no session and cannot log out.")
            .answers_nothing("The token is not good for anything any more.")
            .errors(&[403]),
    ]
}
