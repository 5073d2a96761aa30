//! Makes the plan's table, queues and bucket where they are missing, through the same SDK clients that use them.
//!
//! Runs at every start and changes nothing that is as it should be; a queue that is there gets the template's settings, and a
//! bucket is told whom it tells. A table that is there is kept as it is: its keys cannot change.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, ProjectionType,
    ScalarAttributeType, TimeToLiveSpecification,
};
use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration,
    S3KeyFilter,
};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use crate::template::{
    AttributeType, BucketPlan, IndexPlan, KeyPlan, NotificationPlan, Plan, Projection, QueuePlan, TablePlan,
};

/// Something that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("making the {kind} {name}: {reason}")]
pub struct ProvisionError {
    kind: &'static str,
    name: String,
    reason: String,
}

/// Makes what is missing.
pub async fn provision(plan: &Plan, sdk: &SdkConfig) -> Result<(), ProvisionError> {
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk);
    for table in &plan.tables {
        provision_table(table, &dynamodb).await.map_err(named("table", &table.name))?;
    }
    let sqs = aws_sdk_sqs::Client::new(sdk);
    // Dead-letter queues first: the others point to them.
    let (sources, targets): (Vec<_>, Vec<_>) = plan.queues.iter().partition(|queue| queue.redrive.is_some());
    for queue in targets.into_iter().chain(sources) {
        provision_queue(queue, &sqs).await.map_err(named("queue", &queue.name))?;
    }
    let s3 = aws_sdk_s3::Client::new(sdk);
    for bucket in &plan.buckets {
        provision_bucket(bucket, &s3).await.map_err(named("bucket", &bucket.name))?;
    }
    Ok(())
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn named(kind: &'static str, name: &str) -> impl FnOnce(Failure) -> ProvisionError {
    move |failure| {
        let causes = std::iter::successors(Some(&*failure as &dyn std::error::Error), |error| error.source());
        let reason = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        ProvisionError { kind, name: name.to_owned(), reason }
    }
}

async fn provision_table(plan: &TablePlan, dynamodb: &aws_sdk_dynamodb::Client) -> Result<(), Failure> {
    match dynamodb.describe_table().table_name(&plan.name).send().await {
        Ok(_) => {}
        Err(error) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
            create_table(plan, dynamodb).await?;
        }
        Err(error) => return Err(error.into()),
    }
    set_expiry(plan, dynamodb).await
}

async fn create_table(plan: &TablePlan, dynamodb: &aws_sdk_dynamodb::Client) -> Result<(), Failure> {
    let attributes = plan.attributes.iter().map(|(name, kind)| {
        let kind = match kind {
            AttributeType::Text => ScalarAttributeType::S,
            AttributeType::Number => ScalarAttributeType::N,
            AttributeType::Binary => ScalarAttributeType::B,
        };
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build()
    });
    let indexes = plan.indexes.iter().map(index).collect::<Result<Vec<_>, _>>()?;
    let create = dynamodb
        .create_table()
        .table_name(&plan.name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.collect::<Result<_, _>>()?))
        .set_key_schema(Some(key(&plan.key)?))
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes));
    create.send().await?;
    Ok(())
}

fn key(plan: &KeyPlan) -> Result<Vec<KeySchemaElement>, Failure> {
    let part = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
    let mut key = vec![part(&plan.partition, KeyType::Hash)?];
    if let Some(sort) = &plan.sort {
        key.push(part(sort, KeyType::Range)?);
    }
    Ok(key)
}

fn index(plan: &IndexPlan) -> Result<GlobalSecondaryIndex, Failure> {
    let projection = aws_sdk_dynamodb::types::Projection::builder();
    let projection = match &plan.projection {
        Projection::All => projection.projection_type(ProjectionType::All),
        Projection::KeysOnly => projection.projection_type(ProjectionType::KeysOnly),
        Projection::Include(names) => {
            projection.projection_type(ProjectionType::Include).set_non_key_attributes(Some(names.clone()))
        }
    };
    let index = GlobalSecondaryIndex::builder().index_name(&plan.name).set_key_schema(Some(key(&plan.key)?));
    Ok(index.projection(projection.build()).build()?)
}

/// Only when it is not so yet: DynamoDB refuses to be told twice.
async fn set_expiry(plan: &TablePlan, dynamodb: &aws_sdk_dynamodb::Client) -> Result<(), Failure> {
    let Some(attribute) = &plan.expiry_attribute else { return Ok(()) };
    let described = dynamodb.describe_time_to_live().table_name(&plan.name).send().await?;
    let current = described.time_to_live_description().and_then(|description| description.attribute_name());
    if current == Some(attribute) {
        return Ok(());
    }
    let expiry = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true).build()?;
    dynamodb.update_time_to_live().table_name(&plan.name).time_to_live_specification(expiry).send().await?;
    Ok(())
}

async fn provision_queue(plan: &QueuePlan, sqs: &aws_sdk_sqs::Client) -> Result<(), Failure> {
    let redrive = plan.redrive.as_ref().map(|redrive| {
        json!({ "deadLetterTargetArn": redrive.queue_arn, "maxReceiveCount": redrive.receives_max }).to_string()
    });
    let attributes = [
        (QueueAttributeName::VisibilityTimeout, plan.visibility_s.to_string()),
        (QueueAttributeName::MessageRetentionPeriod, plan.retention_s.to_string()),
        (QueueAttributeName::RedrivePolicy, redrive.unwrap_or_default()),
    ];
    let url = match sqs.get_queue_url().queue_name(&plan.name).send().await {
        Ok(found) => found.queue_url,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist()) => {
            sqs.create_queue().queue_name(&plan.name).send().await?.queue_url
        }
        Err(error) => return Err(error.into()),
    };
    let set = sqs.set_queue_attributes().set_queue_url(url).set_attributes(Some(attributes.into_iter().collect()));
    set.send().await?;
    Ok(())
}

async fn provision_bucket(plan: &BucketPlan, s3: &aws_sdk_s3::Client) -> Result<(), Failure> {
    match s3.head_bucket().bucket(&plan.name).send().await {
        Ok(_) => {}
        // The status decides: an answer to HEAD has no body in which a code could stand.
        Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 404) => {
            s3.create_bucket().bucket(&plan.name).send().await?;
        }
        Err(error) => return Err(error.into()),
    }
    let queues = plan.notifications.iter().map(notification).collect::<Result<Vec<_>, _>>()?;
    let told = NotificationConfiguration::builder().set_queue_configurations(Some(queues)).build();
    s3.put_bucket_notification_configuration().bucket(&plan.name).notification_configuration(told).send().await?;
    Ok(())
}

fn notification(plan: &NotificationPlan) -> Result<QueueConfiguration, Failure> {
    let parts = [(FilterRuleName::Prefix, &plan.prefix), (FilterRuleName::Suffix, &plan.suffix)];
    let rules = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let rules = rules.map(|(name, value)| FilterRule::builder().name(name).value(value).build()).collect();
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    let told = QueueConfiguration::builder().queue_arn(&plan.queue_arn).events(Event::from(plan.event.as_str()));
    Ok(told.filter(NotificationConfigurationFilter::builder().key(key).build()).build()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use fanfare_engines::{Engines, system_clock};

    use super::*;
    use crate::template::{Place, TEMPLATE};

    #[tokio::test]
    async fn the_template_is_provisioned_once_and_again() {
        let secret = BTreeMap::from([("JwtSecret".to_owned(), "s".repeat(32))]);
        let mut plan = Plan::read(TEMPLATE, &Place::local("http://engines.local"), &secret).unwrap();
        let sdk = Engines::in_memory(system_clock()).unwrap().sdk_config();
        provision(&plan, &sdk).await.unwrap();
        for queue in &mut plan.queues {
            queue.visibility_s += 1;
        }
        provision(&plan, &sdk).await.unwrap();

        let sqs = aws_sdk_sqs::Client::new(&sdk);
        let url = sqs.get_queue_url().queue_name("fanfare-delivery").send().await.unwrap().queue_url.unwrap();
        let all = QueueAttributeName::All;
        let found = sqs.get_queue_attributes().queue_url(url).attribute_names(all).send().await.unwrap();
        let found = found.attributes.unwrap();
        assert_eq!(found[&QueueAttributeName::VisibilityTimeout], "361");
        assert!(found[&QueueAttributeName::RedrivePolicy].contains("fanfare-dead-letter"));
        let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
        let table = dynamodb.describe_table().table_name("fanfare").send().await.unwrap().table.unwrap();
        assert_eq!(table.global_secondary_indexes().len(), plan.tables[0].indexes.len());
        let expiry = dynamodb.describe_time_to_live().table_name("fanfare").send().await.unwrap();
        assert_eq!(expiry.time_to_live_description().unwrap().attribute_name(), Some("ttl"));
        let s3 = aws_sdk_s3::Client::new(&sdk);
        let told = s3.get_bucket_notification_configuration().bucket("fanfare").send().await.unwrap();
        assert_eq!(told.queue_configurations().len(), plan.buckets[0].notifications.len());
    }
}
