//! Event types.

use serde_json::{Value, json};

use super::super::op::{OperationDoc, flag, op, page};
use super::{INSTANT, page_of};
use crate::http::query::PageOut;
use crate::http::wire::event_type::{EventTypeIn, EventTypeOut, EventTypePatchIn, EventTypeUpdateIn};
use crate::http::wire::openapi_import::{EventTypeImportOpenApiIn, EventTypeImportOpenApiOut};

const NAME: &str = "invoice.paid";

fn schemas() -> Value {
    json!({ "1": { "type": "object", "properties": { "invoice": { "type": "string" } }, "required": ["invoice"] } })
}

fn taken() -> Value {
    json!({ "description": "An invoice was paid.", "schemas": schemas(), "groupName": "invoice" })
}

fn named() -> Value {
    let mut taken = taken();
    taken["name"] = NAME.into();
    taken
}

fn shown() -> Value {
    json!({
        "name": NAME, "description": "An invoice was paid.", "archived": false, "deprecated": false,
        "schemas": schemas(), "schemaValidation": "off", "groupName": "invoice", "createdAt": INSTANT, "updatedAt": INSTANT,
    })
}

fn document() -> Value {
    let body = json!({ "content": { "application/json": { "schema": schemas()["1"] } } });
    let webhook = json!({ "description": "An invoice was paid.", "tags": ["invoice"], "requestBody": body });
    json!({
        "openapi": "3.1.0", "info": { "title": "Acme", "version": "1" }, "webhooks": { NAME: { "post": webhook } },
    })
}

fn imported() -> Value {
    let would_become = json!({
        "name": NAME, "description": "An invoice was paid.", "deprecated": false, "schemas": schemas(), "groupName": "invoice",
    });
    json!({ "data": { "modified": [], "to_modify": [would_become] } })
}

pub(super) fn operations() -> Vec<OperationDoc> {
    vec![
        op("event-type.list", "List event types").tagged()
            .query(page("Has no meaning here: the list is always in the order of the names."))
            .query([
                flag("include_archived", false, "Also those that are no longer offered."),
                flag("with_content", false, "With their schemas."),
            ])
            .answers::<PageOut<EventTypeOut>>(200, page_of(shown(), NAME)),
        op("event-type.create", "Create an event type")
            .describe("One that was archived under this name comes back as it is described now.")
            .body::<EventTypeIn>(named())
            .idempotent()
            .answers::<EventTypeOut>(201, shown())
            .errors(&[409]),
        op("event-type.get", "Get an event type").tagged().answers::<EventTypeOut>(200, shown()),
        op("event-type.update", "Replace an event type, or create it").conditional()
            .body::<EventTypeUpdateIn>(taken())
            .answers::<EventTypeOut>(200, shown())
            .also(201, "Made.")
            .errors(&[409]),
        op("event-type.patch", "Change an event type").conditional()
            .body::<EventTypePatchIn>(json!({ "deprecated": true, "groupName": null }))
            .answers::<EventTypeOut>(200, shown()),
        op("event-type.delete", "Archive or delete an event type").conditional()
            .query([flag("expunge", false, "Forget it altogether instead of archiving it.")])
            .answers_nothing("It is no longer offered; endpoints that name it keep working."),
        op("event-type.import-openapi", "Import event types from an OpenAPI document")
            .describe(
                "Each webhook of the document, 3.1 or with `x-webhooks`, becomes an event type or changes the one of its \
                 name. The same import may come again.",
            )
            .body::<EventTypeImportOpenApiIn>(json!({ "spec": document(), "dryRun": true }))
            .answers::<EventTypeImportOpenApiOut>(200, imported())
            .errors(&[400]),
    ]
}
