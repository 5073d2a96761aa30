//! Tables, queues and buckets.

use super::TemplateError;
use super::names::physical_name;
use super::node::Node;
use super::plan::{
    AttributeType, BucketPlan, IndexPlan, KeyPlan, NotificationPlan, Plan, Projection, QueuePlan, Redrive, TablePlan,
};
use super::resources::{Kind, Resources};
use super::values::Values;

const TABLE_READ: [&str; 5] =
    ["AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema", "TimeToLiveSpecification"];
const TABLE_WITHOUT_MEANING: [&str; 6] = [
    "ContributorInsightsSpecification",
    "DeletionProtectionEnabled",
    "OnDemandThroughput",
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "Tags",
];
const QUEUE_READ: [&str; 3] = ["MessageRetentionPeriod", "RedrivePolicy", "VisibilityTimeout"];
const QUEUE_WITHOUT_MEANING: [&str; 4] =
    ["KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "SqsManagedSseEnabled", "Tags"];
const BUCKET_READ: [&str; 1] = ["NotificationConfiguration"];
/// Lifecycle rules among them: objects do not expire here.
const BUCKET_WITHOUT_MEANING: [&str; 6] = [
    "BucketEncryption",
    "IntelligentTieringConfigurations",
    "LifecycleConfiguration",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tags",
];

/// SQS's defaults.
const VISIBILITY_S_DEFAULT: u32 = 30;
const RETENTION_S_DEFAULT: u32 = 345_600;

pub(super) fn read(plan: &mut Plan, resources: &Resources<'_>, values: &Values<'_>) -> Result<(), TemplateError> {
    for (logical_id, resource) in resources.of(Kind::Table) {
        plan.tables.push(table(logical_id, resource.required_properties()?, values)?);
    }
    for (logical_id, resource) in resources.of(Kind::Queue) {
        plan.queues.push(queue(logical_id, resource.properties.as_ref(), values)?);
    }
    for (logical_id, resource) in resources.of(Kind::Bucket) {
        plan.buckets.push(bucket(logical_id, resource.properties.as_ref(), values)?);
    }
    Ok(())
}

fn table(logical_id: &str, properties: &Node<'_>, values: &Values<'_>) -> Result<TablePlan, TemplateError> {
    properties.only(&TABLE_READ, &TABLE_WITHOUT_MEANING)?;
    let billing = properties.required("BillingMode")?;
    if values.text(&billing)? != "PAY_PER_REQUEST" {
        return Err(billing.wrong("must be PAY_PER_REQUEST"));
    }
    let indexes = properties.get("GlobalSecondaryIndexes").map_or(Ok(Vec::new()), |node| node.items())?;
    Ok(TablePlan {
        name: physical_name(logical_id, "Table"),
        attributes: attributes(&properties.required("AttributeDefinitions")?, values)?,
        key: key(&properties.required("KeySchema")?, values)?,
        indexes: indexes.iter().map(|node| index(node, values)).collect::<Result<_, _>>()?,
        expiry_attribute: expiry_attribute(properties, values)?,
    })
}

fn attributes(node: &Node<'_>, values: &Values<'_>) -> Result<Vec<(String, AttributeType)>, TemplateError> {
    let attribute = |node: Node<'_>| {
        node.only(&["AttributeName", "AttributeType"], &[])?;
        let kind = node.required("AttributeType")?;
        let kind = match values.text(&kind)?.as_str() {
            "S" => AttributeType::Text,
            "N" => AttributeType::Number,
            "B" => AttributeType::Binary,
            _ => return Err(kind.wrong("must be S, N or B")),
        };
        Ok((values.text(&node.required("AttributeName")?)?, kind))
    };
    node.items()?.into_iter().map(attribute).collect()
}

fn key(node: &Node<'_>, values: &Values<'_>) -> Result<KeyPlan, TemplateError> {
    let (mut partition, mut sort) = (None, None);
    for part in node.items()? {
        part.only(&["AttributeName", "KeyType"], &[])?;
        let kind = part.required("KeyType")?;
        let name = values.text(&part.required("AttributeName")?)?;
        match values.text(&kind)?.as_str() {
            "HASH" => partition = Some(name),
            "RANGE" => sort = Some(name),
            _ => return Err(kind.wrong("must be HASH or RANGE")),
        }
    }
    Ok(KeyPlan { partition: partition.ok_or_else(|| node.wrong("has no HASH attribute"))?, sort })
}

fn index(node: &Node<'_>, values: &Values<'_>) -> Result<IndexPlan, TemplateError> {
    node.only(&["IndexName", "KeySchema", "Projection"], &["ContributorInsightsSpecification", "OnDemandThroughput"])?;
    let projection = node.required("Projection")?;
    projection.only(&["ProjectionType", "NonKeyAttributes"], &[])?;
    let kind = projection.required("ProjectionType")?;
    let projection = match values.text(&kind)?.as_str() {
        "ALL" => Projection::All,
        "KEYS_ONLY" => Projection::KeysOnly,
        "INCLUDE" => {
            let names = projection.required("NonKeyAttributes")?.items()?;
            Projection::Include(names.iter().map(|name| values.text(name)).collect::<Result<_, _>>()?)
        }
        _ => return Err(kind.wrong("must be ALL, KEYS_ONLY or INCLUDE")),
    };
    let name = values.text(&node.required("IndexName")?)?;
    Ok(IndexPlan { name, key: key(&node.required("KeySchema")?, values)?, projection })
}

fn expiry_attribute(properties: &Node<'_>, values: &Values<'_>) -> Result<Option<String>, TemplateError> {
    let Some(node) = properties.get("TimeToLiveSpecification") else { return Ok(None) };
    node.only(&["AttributeName", "Enabled"], &[])?;
    if !values.truth(&node.required("Enabled")?)? {
        return Ok(None);
    }
    values.text(&node.required("AttributeName")?).map(Some)
}

fn queue(logical_id: &str, properties: Option<&Node<'_>>, values: &Values<'_>) -> Result<QueuePlan, TemplateError> {
    let mut plan = QueuePlan {
        name: physical_name(logical_id, "Queue"),
        visibility_s: VISIBILITY_S_DEFAULT,
        retention_s: RETENTION_S_DEFAULT,
        redrive: None,
    };
    let Some(properties) = properties else { return Ok(plan) };
    properties.only(&QUEUE_READ, &QUEUE_WITHOUT_MEANING)?;
    if let Some(node) = properties.get("VisibilityTimeout") {
        plan.visibility_s = values.number(&node)?;
    }
    if let Some(node) = properties.get("MessageRetentionPeriod") {
        plan.retention_s = values.number(&node)?;
    }
    if let Some(node) = properties.get("RedrivePolicy") {
        plan.redrive = Some(redrive(&node, values)?);
    }
    Ok(plan)
}

fn redrive(node: &Node<'_>, values: &Values<'_>) -> Result<Redrive, TemplateError> {
    node.only(&["deadLetterTargetArn", "maxReceiveCount"], &[])?;
    let target = node.required("deadLetterTargetArn")?;
    Ok(Redrive {
        queue: physical_name(&values.queue_id(&target)?, "Queue"),
        queue_arn: values.text(&target)?,
        receives_max: values.number(&node.required("maxReceiveCount")?)?,
    })
}

fn bucket(logical_id: &str, properties: Option<&Node<'_>>, values: &Values<'_>) -> Result<BucketPlan, TemplateError> {
    let mut plan = BucketPlan { name: physical_name(logical_id, "Bucket"), notifications: Vec::new() };
    let Some(properties) = properties else { return Ok(plan) };
    properties.only(&BUCKET_READ, &BUCKET_WITHOUT_MEANING)?;
    if let Some(node) = properties.get("NotificationConfiguration") {
        node.only(&["QueueConfigurations"], &[])?;
        let queues = node.required("QueueConfigurations")?.items()?;
        plan.notifications = queues.iter().map(|node| notification(node, values)).collect::<Result<_, _>>()?;
    }
    Ok(plan)
}

fn notification(node: &Node<'_>, values: &Values<'_>) -> Result<NotificationPlan, TemplateError> {
    node.only(&["Event", "Filter", "Queue"], &[])?;
    let event = node.required("Event")?;
    let queue = node.required("Queue")?;
    values.queue_id(&queue)?;
    let mut plan = NotificationPlan {
        event: values.text(&event)?,
        prefix: String::new(),
        suffix: String::new(),
        queue_arn: values.text(&queue)?,
    };
    if !plan.event.starts_with("s3:ObjectCreated:") {
        return Err(event.wrong("must be about created objects: nothing else is told of by the local gateway"));
    }
    if let Some(filter) = node.get("Filter") {
        read_filter(&mut plan, &filter, values)?;
    }
    Ok(plan)
}

fn read_filter(plan: &mut NotificationPlan, filter: &Node<'_>, values: &Values<'_>) -> Result<(), TemplateError> {
    filter.only(&["S3Key"], &[])?;
    let key = filter.required("S3Key")?;
    key.only(&["Rules"], &[])?;
    for rule in key.required("Rules")?.items()? {
        rule.only(&["Name", "Value"], &[])?;
        let name = rule.required("Name")?;
        let value = values.text(&rule.required("Value")?)?;
        match values.text(&name)?.as_str() {
            "prefix" => plan.prefix = value,
            "suffix" => plan.suffix = value,
            _ => return Err(name.wrong("must be prefix or suffix")),
        }
    }
    Ok(())
}
