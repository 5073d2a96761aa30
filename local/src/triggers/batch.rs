//! The event that Lambda makes of received messages.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Serialize;

/// Room for everything of a record but its body.
const RECORD_BYTES_TYPICAL: usize = 768;

#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "Records")]
    records: Vec<Record<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    message_id: &'a str,
    receipt_handle: &'a str,
    body: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    message_attributes: BTreeMap<&'a str, Attribute<'a>>,
    md5_of_body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<&'a str>,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'a str,
    aws_region: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [&'a str; 0],
    binary_list_values: [&'a str; 0],
    data_type: &'a str,
}

/// The event's JSON.
pub(crate) fn event(messages: &[Message], queue_arn: &str, region: &str) -> Result<Bytes, serde_json::Error> {
    let records = messages.iter().map(|message| record(message, queue_arn, region)).collect();
    let bodies: usize = messages.iter().map(|message| message.body().map_or(0, str::len)).sum();
    let mut json = Vec::with_capacity(bodies + bodies / 4 + RECORD_BYTES_TYPICAL * messages.len());
    serde_json::to_writer(&mut json, &Event { records })?;
    Ok(Bytes::from(json))
}

fn record<'a>(message: &'a Message, queue_arn: &'a str, region: &'a str) -> Record<'a> {
    let attributes = message.attributes().into_iter().flatten();
    let sent = message.message_attributes().into_iter().flatten();
    Record {
        message_id: message.message_id().unwrap_or_default(),
        receipt_handle: message.receipt_handle().unwrap_or_default(),
        body: message.body().unwrap_or_default(),
        attributes: attributes.map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        message_attributes: sent.map(|(name, value)| (name.as_str(), attribute(value))).collect(),
        md5_of_body: message.md5_of_body().unwrap_or_default(),
        md5_of_message_attributes: message.md5_of_message_attributes(),
        event_source: "aws:sqs",
        event_source_arn: queue_arn,
        aws_region: region,
    }
}

fn attribute(value: &MessageAttributeValue) -> Attribute<'_> {
    Attribute {
        string_value: value.string_value(),
        binary_value: value.binary_value().map(|bytes| BASE64.encode(bytes)),
        string_list_values: [],
        binary_list_values: [],
        data_type: value.data_type(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use aws_lambda_events::sqs::SqsEvent;
    use aws_sdk_sqs::primitives::Blob;
    use aws_sdk_sqs::types::MessageSystemAttributeName;
    use serde_json::{Value, json};

    use super::*;

    fn message() -> Message {
        let text = MessageAttributeValue::builder().data_type("String").string_value("x").build().unwrap();
        let bytes = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255])).build();
        Message::builder()
            .message_id("5743abdd")
            .receipt_handle("handle==")
            .body("{\"v\":1}")
            .md5_of_body("a4a0")
            .attributes(MessageSystemAttributeName::ApproximateReceiveCount, "2")
            .attributes(MessageSystemAttributeName::MessageGroupId, "ep_1")
            .message_attributes("text", text)
            .message_attributes("bytes", bytes.unwrap())
            .build()
    }

    #[test]
    fn the_event_is_the_one_of_the_sample() {
        let json = event(&[message()], "arn:aws:sqs:us-east-1:000000000000:fanfare-delivery", "us-east-1").unwrap();
        let empty: [Value; 0] = [];
        let expected = json!({ "Records": [{
            "messageId": "5743abdd",
            "receiptHandle": "handle==",
            "body": "{\"v\":1}",
            "attributes": { "ApproximateReceiveCount": "2", "MessageGroupId": "ep_1" },
            "messageAttributes": {
                "bytes": { "binaryValue": "AP8=", "stringListValues": empty, "binaryListValues": empty, "dataType": "Binary" },
                "text": { "stringValue": "x", "stringListValues": empty, "binaryListValues": empty, "dataType": "String" }
            },
            "md5OfBody": "a4a0",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:fanfare-delivery",
            "awsRegion": "us-east-1"
        }] });
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), expected);
    }

    #[test]
    fn a_handler_reads_it() {
        let json = event(&[message(), message()], "arn", "us-east-1").unwrap();
        let event: SqsEvent = serde_json::from_slice(&json).unwrap();
        assert_eq!(event.records.len(), 2);
        assert_eq!(event.records[0].attributes["ApproximateReceiveCount"], "2");
        assert_eq!(event.records[0].body.as_deref(), Some("{\"v\":1}"));
    }
}
