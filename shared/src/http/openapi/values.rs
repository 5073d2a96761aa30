//! The domain's values as schemas: what a text, a number or a map has to look like. The figures come from the domain, which
//! knows nothing of schemas.
//!
//! A schema says what is enough: whatever fits it is taken, apart from rules that no schema can tell, which the descriptions
//! name.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, KnownFormat, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, SchemaType,
    Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::provider;
use crate::domain::access::{Capability, Role};
use crate::domain::attempt::{AttemptStatus, Trigger};
use crate::domain::audit::Operation;
use crate::domain::background::TaskStatus;
use crate::domain::delivery::DeliveryStatus;
use crate::domain::endpoint::{HEADER_NAME_BYTES_MAX, HEADER_VALUE_BYTES_MAX, HEADERS_MAX};
use crate::domain::event_type::SchemaValidation;
use crate::domain::ids::{
    ApiKeyId, ApplicationId, AttemptId, ChangeId, EndpointId, ImportId, MessageId, OrganizationId, RequestId, SourceId,
    TaskId,
};
use crate::domain::import::Columns;
use crate::domain::inbound::Provider;
use crate::domain::ksuid::KSUID_CHARS;
use crate::domain::legacy_signature::Encoding;
use crate::domain::names::{
    ApplicationUid, CHANNEL_CHARS_MAX, Channel, EndpointUid, EventId, EventTypeName, NAME_CHARS_MAX, OrderingKey,
    SourceUid, Tag,
};
use crate::domain::schedule::{RETRIES_MAX, RETRY_DELAY_S_MAX, RetrySchedule};
use crate::domain::signature::{SignatureScheme, SigningSecret};
use crate::domain::source_events::{NAMES_MAX, PROVIDER_NAME_BYTES_MAX};
use crate::domain::timestamp::Timestamp;
use crate::domain::undelivered::UndeliveredBecause;
use crate::domain::url::{EndpointUrl, URL_BYTES_MAX};
use crate::http::query::PageOut;

/// What schemas are collected into: names and what they stand for.
pub type Collected = Vec<(String, RefOr<Schema>)>;

/// Gives a type the schema that an expression builds.
macro_rules! schema {
    ($($type:ty, $name:literal => $schema:expr;)+) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let schema: Schema = $schema.into();
                schema.into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )+};
}

schema! {
    OrganizationId, "OrganizationId" => id(OrganizationId::PREFIX);
    ApplicationId, "ApplicationId" => id(ApplicationId::PREFIX);
    EndpointId, "EndpointId" => id(EndpointId::PREFIX);
    MessageId, "MessageId" => id(MessageId::PREFIX);
    AttemptId, "AttemptId" => id(AttemptId::PREFIX);
    TaskId, "TaskId" => id(TaskId::PREFIX);
    ImportId, "ImportId" => id(ImportId::PREFIX);
    ApiKeyId, "ApiKeyId" => id(ApiKeyId::PREFIX);
    SourceId, "SourceId" => id(SourceId::PREFIX);
    RequestId, "RequestId" => id(RequestId::PREFIX);
    ChangeId, "ChangeId" => id(ChangeId::PREFIX);

    ApplicationUid, "ApplicationUid" => uid(ApplicationId::PREFIX);
    EndpointUid, "EndpointUid" => uid(EndpointId::PREFIX);
    SourceUid, "SourceUid" => uid(SourceId::PREFIX);
    EventId, "EventId" => uid(MessageId::PREFIX);
    EventTypeName, "EventTypeName" => name(NAME_CHARS_MAX, "", "").examples([json!("invoice.paid")]);
    Channel, "Channel" => name(CHANNEL_CHARS_MAX, ":+", "").examples([json!("project:123")]);
    Tag, "Tag" => name(CHANNEL_CHARS_MAX, ":+", "").examples([json!("imported")]);
    OrderingKey, "OrderingKey" => name(NAME_CHARS_MAX, "", "").examples([json!("order-7")]);

    Timestamp, "Timestamp" => text()
        .description(Some("An instant as in RFC 3339; what we send is UTC."))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    RetrySchedule, "RetrySchedule" => ArrayBuilder::new()
        .description(Some("The delays after the first, second, … failed attempt, in seconds. Nothing in it: one attempt."))
        .items(number().minimum(Some(0)).maximum(Some(RETRY_DELAY_S_MAX)))
        .max_items(Some(RETRIES_MAX))
        .examples([json!([5, 300, 1_800])]);
    EndpointUrl, "EndpointUrl" => text()
        .description(Some(
            "An absolute http or https URL without credentials; https only, unless the gateway allows http. Hosts may \
             also be written in the other ways the URL standard knows.",
        ))
        .max_length(Some(URL_BYTES_MAX))
        .pattern(Some(url_pattern()))
        .examples([json!("https://example.com/webhooks")]);
    SigningSecret, "SigningSecret" => text()
        .description(Some(
            "`whsec_` and the base64 of 24 to 75 bytes, shared with the receiver; or `whsk_` and the base64 of an \
             ed25519 key's 32-byte seed, of which the receiver gets the public key. A seed may be followed by its public \
             key.",
        ))
        .pattern(Some(secret_pattern()))
        .examples([json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]);

    SignatureScheme, "SignatureScheme" => text()
        .description(Some("`v1`: HMAC-SHA256 with a shared secret; `v1a`: ed25519."))
        .enum_values(Some(["v1", "v1a"]));
    LegacyKind, "LegacyKind" => text().enum_values(Some(["svix", "timestamped", "hmac"]));
    Encoding, "Encoding" => text().enum_values(Some([Encoding::Hex, Encoding::Base64].map(Encoding::as_str)));
    SchemaValidation, "SchemaValidation" => text()
        .description(Some("`off`: it is not looked at; `warn`: the message is accepted, and its sender told; `reject`."))
        .enum_values(Some(
            [SchemaValidation::Off, SchemaValidation::Warn, SchemaValidation::Reject].map(SchemaValidation::as_str),
        ));

    Role, "Role" => text()
        .description(Some("What an organization's caller may do."))
        .enum_values(Some(Role::ALL.map(Role::as_str)));
    Capability, "Capability" => text()
        .description(Some("One thing a portal may be allowed to do."))
        .enum_values(Some(Capability::ALL.map(Capability::as_str)));
    AttemptStatus, "AttemptStatus" => number()
        .description(Some("0: success, 2: fail."))
        .enum_values(Some([AttemptStatus::Success, AttemptStatus::Fail].map(|is| DeliveryStatus::from(is).number())));
    Trigger, "Trigger" => number()
        .description(Some("0: the schedule, 1: somebody who asked for it."))
        .enum_values(Some([0, 1]));

    DeliveryStatus, "DeliveryStatus" => number()
        .description(Some("0: success, 1: pending, 2: fail, 3: sending, 4: canceled."))
        .enum_values(Some(DeliveryStatus::ALL.map(DeliveryStatus::number)));
    UndeliveredBecause, "UndeliveredBecause" => text()
        .description(Some(
            "`endpoint_disabled`: its endpoint was disabled when its time came; `deadline_passed`: the message's \
             `deliverBefore` was over; `dead_lettered`: the gateway itself failed at it, again and again.",
        ))
        .enum_values(Some(UndeliveredBecause::ALL.map(UndeliveredBecause::as_str)));
    StatusText, "StatusText" => text().enum_values(Some(DeliveryStatus::ALL.map(DeliveryStatus::as_str)));
    TaskStatus, "TaskStatus" => text().enum_values(Some(TaskStatus::ALL.map(TaskStatus::as_str)));
    TaskName, "TaskName" => text().enum_values(Some(TASK_NAMES));
    Operation, "ChangeOperation" => text().enum_values(Some(Operation::ALL.iter().map(|operation| operation.as_str())));
    ThingName, "ThingName" => text().description(Some("Identifier or name of what was changed."));
    StatusCodeClass, "StatusCodeClass" => number()
        .description(Some("0: none, 100, 200, 300, 400, 500: that and up to 99 above."))
        .enum_values(Some(STATUS_CODE_CLASSES));

    Columns, "Columns" => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some(
            "Names of columns. One that is left out is the column that is called like the part itself, if there is one; one \
             that is named must be there.",
        ))
        .property("eventType", column("What happened. There must be such a column, or a default."))
        .property("defaultEventType", Ref::from_schema_name("EventTypeName"))
        .property("eventId", column("Your own identifier of the event."))
        .property("channels", column("Channels, separated by commas."))
        .property("application", column("The application's uid or id."))
        .property("tags", column("Tags, separated by commas."))
        .property("orderingKey", column("What ordered endpoints get messages one after the other by."))
        .property("payload", OneOfBuilder::new()
            .description(Some(
                "The column that holds the payload as a JSON object; or each field of the payload with its column. Left out, \
                 and without a column `payload`: every column that is nothing else becomes a text field.",
            ))
            .item(text())
            .item(ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Object))
                .additional_properties(Some(text()))))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        .examples([json!({ "eventType": "kind", "eventId": "id", "payload": "body" })]);
    Empty, "Empty" => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("An object with nothing in it."))
        .max_properties(Some(0));
    Document, "Document" => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("An OpenAPI 3.1 document."))
        .property("openapi", text())
        .required("openapi")
        .property("info", ObjectBuilder::new())
        .required("info")
        .property("paths", ObjectBuilder::new())
        .required("paths")
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));

    Pairs, "Metadata" => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("Free-form pairs."))
        .property_names(Some(Schema::from(text().min_length(Some(1)))))
        .additional_properties(Some(AdditionalProperties::from(Schema::from(text()))));
    ProviderNames, "ProviderNames" => ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some("Your event types by the provider's names."))
        .property_names(Some(Schema::from(text().min_length(Some(1)).max_length(Some(PROVIDER_NAME_CHARS_MAX)))))
        .additional_properties(Some(AdditionalProperties::from(Ref::from_schema_name("EventTypeName"))))
        .max_properties(Some(NAMES_MAX));
    Provider, "Provider" => provider::schema();
    Headers, "Headers" => headers(header_value(SchemaType::Type(Type::String)));
    HeaderChanges, "HeaderChanges" => headers(header_value(SchemaType::from_iter([Type::String, Type::Null])));
}

/// What background tasks are called: [`crate::domain::background::Work::name`].
const TASK_NAMES: [&str; 6] = [
    "endpoint.recover",
    "endpoint.replay",
    "endpoint.bulk-replay",
    "application.purge_content",
    "application.stats",
    "event-type.aggregate",
];

/// How a delivery stands, as a word.
pub enum StatusText {}

/// What a background task does.
pub enum TaskName {}

/// What a change was made to.
pub enum ThingName {}

/// Statuses of receivers, by the hundred.
const STATUS_CODE_CLASSES: [u16; 6] = [0, 100, 200, 300, 400, 500];

/// The hundred a receiver's status is of.
pub enum StatusCodeClass {}

/// Nothing, for SDKs that want to parse something.
pub enum Empty {}

/// The document itself.
pub enum Document {}

/// The form of a legacy signature.
pub enum LegacyKind {}

/// What a caller attaches to a thing.
pub enum Pairs {}

/// Event types by a provider's names.
pub enum ProviderNames {}

/// What any text of so many characters is within, whatever its bytes.
const PROVIDER_NAME_CHARS_MAX: usize = PROVIDER_NAME_BYTES_MAX / 4;

/// Headers by name.
pub enum Headers {}

/// Headers by name, null for one that is removed.
pub enum HeaderChanges {}

fn column(description: &str) -> ObjectBuilder {
    text().description(Some(description))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String))
}

fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer))
}

fn id(prefix: &str) -> ObjectBuilder {
    text().pattern(Some(format!("^{prefix}[0-9A-Za-z]{{{KSUID_CHARS}}}$")))
}

/// A name of the caller's that does not look like an identifier of ours.
fn uid(prefix: &str) -> ObjectBuilder {
    name(NAME_CHARS_MAX, "", &format!("(?!{prefix})"))
}

fn name(chars_max: usize, also: &str, not: &str) -> ObjectBuilder {
    text()
        .min_length(Some(1))
        .max_length(Some(chars_max))
        .pattern(Some(format!("^{not}[A-Za-z0-9_.{also}-]{{1,{chars_max}}}$")))
}

/// Names of hosts, IPv4 addresses, IPv6 addresses in full; then a port, and printable ASCII.
fn url_pattern() -> String {
    const LABEL: &str = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    // The last label begins with a letter: what ends in a number is read as an IPv4 address.
    const LAST: &str = "[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    const OCTET: &str = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    const GROUP: &str = "[0-9A-Fa-f]{1,4}";
    let host = format!(r"(?:(?:{LABEL}\.)*{LAST}|(?:{OCTET}\.){{3}}{OCTET}|\[(?:{GROUP}:){{7}}{GROUP}\])");
    format!("^https?://{host}(?::[1-9][0-9]{{0,3}})?(?:[/?#][!-~]*)?$")
}

/// Canonical base64: in the last character before the padding, the bits that mean nothing are zero.
fn secret_pattern() -> String {
    const ONE: &str = "[A-Za-z0-9+/]";
    const BEFORE_ONE_PAD: &str = "[AEIMQUYcgkosw048]";
    let symmetric = format!("(?:{ONE}{{4}}){{8,24}}(?:{ONE}{{4}}|{ONE}[AQgw]==|{ONE}{{2}}{BEFORE_ONE_PAD}=)?");
    let seed = format!("(?:{ONE}{{4}}){{10}}{ONE}{{2}}{BEFORE_ONE_PAD}=");
    format!("^(?:(?:whsec_)?{symmetric}|whsk_{seed})$")
}

fn header_value(kind: SchemaType) -> ObjectBuilder {
    let value = ObjectBuilder::new().schema_type(kind).max_length(Some(HEADER_VALUE_BYTES_MAX));
    // Everything but control characters, of which the tab is none.
    value.pattern(Some(r"^[^\x00-\x08\x0a-\x1f\x7f]*$"))
}

fn headers(value: ObjectBuilder) -> ObjectBuilder {
    let name = text().pattern(Some(format!("^[A-Za-z0-9!#$%&'*+.^_`|~-]{{1,{HEADER_NAME_BYTES_MAX}}}$")));
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .description(Some(format!(
            "Up to {HEADERS_MAX} headers by name. Names that belong to the connection, to the signature (`webhook-…`, \
             `svix-…`) or to a cloud's proxies cannot be set.",
        )))
        .property_names(Some(Schema::from(name)))
        .additional_properties(Some(AdditionalProperties::from(Schema::from(value))))
        .max_properties(Some(HEADERS_MAX))
        .examples([json!({ "x-team": "billing" })])
}

impl<T: ToSchema> PartialSchema for PageOut<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let iterator = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Hand it back as `iterator` for the next page; null when there is nothing behind."));
        let before = text().description(Some("Hand it back as `iterator` for the page before this one."));
        let done = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Boolean))
            .description(Some("Whether the list ends with this page."));
        let page = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Object))
            .property("data", items)
            .required("data")
            .property("iterator", iterator)
            .required("iterator")
            .property("prevIterator", before)
            .property("done", done)
            .required("done");
        Schema::from(page).into()
    }
}

impl<T: ToSchema> ToSchema for PageOut<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("ListResponse{}", T::name()))
    }

    fn schemas(schemas: &mut Collected) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;

    /// What the pattern means, without the anchors, which a generator does not know.
    fn texts_of(pattern: &str) -> impl Strategy<Value = String> + use<> {
        string_regex(pattern.strip_prefix('^').unwrap().strip_suffix('$').unwrap()).unwrap()
    }

    proptest! {
        #[test]
        fn a_url_that_fits_its_schema_is_taken(url in texts_of(&url_pattern())) {
            prop_assume!(url.len() <= URL_BYTES_MAX);
            prop_assert!(EndpointUrl::parse(&url).is_ok(), "{url}");
        }

        #[test]
        fn a_secret_that_fits_its_schema_is_taken(secret in texts_of(&secret_pattern())) {
            prop_assert!(SigningSecret::parse(&secret).is_ok(), "{secret}");
        }
    }
}
