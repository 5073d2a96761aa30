//! Tokens for portals, and their end; API keys.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, op, page};
use super::{INSTANT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::api_key::{ApiKeyCreatedOut, ApiKeyIn, ApiKeyOut};
use crate::http::wire::authentication::{AppPortalAccessIn, AppPortalAccessOut, ApplicationTokenExpireIn};

const TOKEN: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhcHBfMSJ9.c2lnbmF0dXJl";

fn shown() -> Value {
    json!({ "url": format!("https://portal.example.com/#key={TOKEN}"), "token": TOKEN })
}

const KEY: &str = "key_1srOrx2ZWZBpBUvZwXKQmoEYga2";

fn key() -> Value {
    json!({ "id": KEY, "name": "Shop backend", "role": "publisher", "createdAt": INSTANT })
}

fn created() -> Value {
    let mut key = key();
    key["key"] =
        "fk_1srOrx2ZWZBpBUvZwXKQmoEYga21srOrx2ZWZBpBUvZwXKQmoEYga2AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG".into();
    key
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
        op("authentication.list-api-keys", "List API keys")
            .query(page("Which end comes first; the newest, unless said otherwise."))
            .answers::<PageOut<ApiKeyOut>>(200, page_of(key(), KEY)),
        op("authentication.create-api-key", "Create an API key")
            .describe(
                "For a program: sent as bearer token, it lets in with its role. The answer shows the key, and nothing shows it again; \
                 a repeated request makes another one.",
            )
            .body::<ApiKeyIn>(json!({ "name": "Shop backend", "role": "publisher", "expiresAt": "2027-11-24T09:30:00Z" }))
            .answers::<ApiKeyCreatedOut>(201, created())
            .errors(&[400]),
        op("authentication.get-api-key", "Get an API key, without its secret").answers::<ApiKeyOut>(200, key()),
        op("authentication.delete-api-key", "Delete an API key")
            .answers_nothing("It is refused from now on; within 30 seconds by every function."),
        op("authentication.logout", "End the portal token that asks")
            .describe("A token of the organization is no session and cannot log out.")
            .answers_nothing("The token is not good for anything any more.")
            .errors(&[403]),
    ]
}
