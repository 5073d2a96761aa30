//! What the document calls a name is what the gateway takes for one.

use fanfare::domain::Invalid;
use fanfare::domain::names::{
    ApplicationUid, Channel, EndpointUid, EventId, EventTypeName, OrderingKey, SourceUid, Tag,
};
use fanfare::domain::timestamp::Timestamp;
use serde_json::json;

use super::Document;

/// A text fits a schema just when it is taken.
#[track_caller]
fn check<T>(document: &Document, schema: &str, parse: impl Fn(&str) -> Result<T, Invalid>, text: &str) {
    let reference = json!({ "$ref": format!("#/components/schemas/{schema}") });
    let fits = document.validator(&reference).is_valid(&json!(text));
    assert_eq!(fits, parse(text).is_ok(), "{schema}: {text:?}");
}

#[test]
fn names_fit_their_schemas_just_when_they_are_taken() {
    let document = Document::new();
    let (long, too_long) = ("a".repeat(256), "a".repeat(257));
    let (channel, too_long_channel) = ("a".repeat(128), "a".repeat(129));
    let ours = ["app_", "app_x", "ep_", "ep_x", "msg_x", "msg_", "src_x", "src_", "xapp_"];
    let others = [
        "", "a", "A-1_2.x", "a:b", "a+b", "a b", "a/b", "ü", "a\n", "#", &long, &too_long, &channel, &too_long_channel,
    ];
    for text in ours.into_iter().chain(others) {
        check(&document, "ApplicationUid", |text| ApplicationUid::parse(text), text);
        check(&document, "EndpointUid", |text| EndpointUid::parse(text), text);
        check(&document, "SourceUid", |text| SourceUid::parse(text), text);
        check(&document, "EventId", |text| EventId::parse(text), text);
        check(&document, "EventTypeName", |text| EventTypeName::parse(text), text);
        check(&document, "OrderingKey", |text| OrderingKey::parse(text), text);
        check(&document, "Channel", |text| Channel::parse(text), text);
        check(&document, "Tag", |text| Tag::parse(text), text);
    }
    for text in
        ["", "2026-11-24T09:30:00Z", "2026-11-24T09:30:00.123+01:00", "2026-11-24", "yesterday", "2026-13-01T00:00:00Z"]
    {
        check(&document, "Timestamp", Timestamp::parse_rfc3339, text);
    }
}
