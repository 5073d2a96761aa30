//! Applications.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, flag, op, page};
use super::{APPLICATION, INSTANT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::application::{ApplicationIn, ApplicationOut, ApplicationPatchIn};

fn taken() -> Value {
    json!({ "name": "Acme Corporation", "uid": "acme", "throttleRate": 100, "metadata": { "plan": "gold" } })
}

fn shown() -> Value {
    json!({
        "id": APPLICATION, "uid": "acme", "name": "Acme Corporation", "throttleRate": 100, "rateLimit": 100,
        "metadata": { "plan": "gold" }, "createdAt": INSTANT, "updatedAt": INSTANT,
    })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("application.list", "List applications")
            .tagged()
            .query(page("Which end comes first; the oldest, unless said otherwise."))
            .answers::<PageOut<ApplicationOut>>(200, page_of(shown(), APPLICATION)),
        op("application.create", "Create an application")
            .query([flag("get_if_exists", false, "Answer with the application that has the uid, if there is one.")])
            .body::<ApplicationIn>(taken())
            .idempotent()
            .answers::<ApplicationOut>(201, shown())
            .also(200, "There was one with this uid, and it was asked for: see `get_if_exists`.")
            .errors(&[409]),
        op("application.get", "Get an application").tagged().answers::<ApplicationOut>(200, shown()),
        op("application.update", "Replace an application, or create it")
            .conditional()
            .describe("Named by a uid that nobody has, it is created with that uid.")
            .body::<ApplicationIn>(taken())
            .answers::<ApplicationOut>(200, shown())
            .also(201, "Made.")
            .errors(&[409]),
        op("application.patch", "Change an application")
            .conditional()
            .body::<ApplicationPatchIn>(json!({ "throttleRate": null }))
            .answers::<ApplicationOut>(200, shown())
            .errors(&[409]),
        op("application.delete", "Delete an application")
            .conditional()
            .answers_nothing("It is gone, with its endpoints; its uid is free again."),
    ]
}
