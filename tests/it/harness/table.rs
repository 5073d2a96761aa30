//! What is stored, read past our own code.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use super::engines::Engines;

/// The name the local gateway gives the table.
pub(crate) const TABLE: &str = "fanfare";

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Every item of the table.
pub(crate) async fn items(engines: &Engines) -> Vec<Item> {
    let scan = Client::new(&engines.sdk_config()).scan().table_name(TABLE).consistent_read(true);
    scan.into_paginator().items().send().collect::<Result<_, _>>().await.unwrap()
}

/// The items whose partition key begins so, by partition and sort key.
pub(crate) async fn items_of(engines: &Engines, prefix: &str) -> Vec<Item> {
    let key = |item: &Item| (text(item, "pk"), text(item, "sk"));
    let mut found = items(engines).await;
    found.retain(|item| text(item, "pk").starts_with(prefix));
    found.sort_by_key(key);
    found
}

pub(crate) fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

pub(crate) fn number(item: &Item, name: &str) -> i64 {
    item[name].as_n().unwrap().parse().unwrap()
}
