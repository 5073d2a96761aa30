//! A provider as a schema: its kind, and the settings that some kinds have.

use serde_json::json;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOf, OneOfBuilder, Schema, SchemaType, Type};

use crate::domain::inbound::{PROVIDER_KINDS, TOLERANCE_SECONDS_MAX};

/// Kinds with settings of their own.
const WITH_SETTINGS: [&str; 4] = ["paypal", "generic-hmac", "basic", "none"];

/// One schema for each set of settings.
pub(super) fn schema() -> OneOf {
    let plain = PROVIDER_KINDS.into_iter().filter(|kind| !WITH_SETTINGS.contains(kind));
    OneOfBuilder::new()
        .description(Some(
            "Who sends, and by which scheme its requests are verified. `generic-hmac` is for whoever signs with an HMAC and has \
             no kind of its own.",
        ))
        .item(kinds(plain))
        .item(kinds(["paypal"]).property("webhookId", id()).required("webhookId"))
        .item(generic())
        .item(named(kinds(["basic", "none"])))
        .examples([json!({ "kind": "stripe" })])
        .build()
}

fn generic() -> ObjectBuilder {
    let is_signed = "`{body}`, and `{timestamp}`, `{id}`, `{method}` or `{url}` where they are signed too; `{body}` unless it is \
                     said, `{timestamp}.{body}` when there is a time.";
    let object = kinds(["generic-hmac"])
        .property("header", header("Where the signature stands."))
        .required("header")
        .property("algorithm", text("`sha256` unless it is said.").enum_values(Some(["sha1", "sha256", "sha512"])))
        .property("encoding", text("`hex` unless it is said.").enum_values(Some(["hex", "base64", "base64url"])))
        .property("prefix", text("What stands in front of the signature, for example `sha256=`.").max_length(Some(32)))
        .property("timestampHeader", header("Where the time of the signature stands."))
        .property("timestampUnit", text("`seconds` unless it is said.").enum_values(Some(["seconds", "milliseconds"])))
        .property("toleranceSeconds", seconds())
        .property("signed", text(is_signed).max_length(Some(128)));
    named(object)
}

fn named(object: ObjectBuilder) -> ObjectBuilder {
    object
        .property("eventId", place("Where the sender's identifier of the event stands, the same in its retries."))
        .property("eventType", place("Where the sender's name for what happened stands."))
}

fn kinds(kinds: impl IntoIterator<Item = &'static str>) -> ObjectBuilder {
    let kind = text("Who.").enum_values(Some(kinds.into_iter().collect::<Vec<_>>()));
    object().property("kind", kind).required("kind")
}

fn place(description: &str) -> Schema {
    let header = object().property("header", header("A header.")).required("header");
    let pointer = text("A JSON Pointer into the body, like `/event/id`.").pattern(Some("^/")).max_length(Some(256));
    let pointer = object().property("pointer", pointer).required("pointer");
    Schema::OneOf(OneOfBuilder::new().description(Some(description)).item(header).item(pointer).build())
}

fn header(description: &str) -> ObjectBuilder {
    text(description).pattern(Some("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"))
}

fn id() -> ObjectBuilder {
    text("PayPal's identifier of the webhook.").pattern(Some("^[A-Za-z0-9-]{1,64}$"))
}

fn seconds() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .description(Some("How far that time may be from now; with `timestampHeader` only."))
        .minimum(Some(1))
        .maximum(Some(TOLERANCE_SECONDS_MAX))
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description))
}

/// With nothing in it that is not named.
fn object() -> ObjectBuilder {
    let nothing: AdditionalProperties<Schema> = AdditionalProperties::FreeForm(false);
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)).additional_properties(Some(nothing))
}
