//! What a template asks for, in plain types.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

/// Everything the local gateway runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The functions.
    pub functions: Vec<FunctionPlan>,
    /// Which request goes to which function.
    pub routes: Vec<RoutePlan>,
    /// Which queue feeds which function.
    pub mappings: Vec<MappingPlan>,
    /// What is called regularly.
    pub schedules: Vec<SchedulePlan>,
    /// The tables.
    pub tables: Vec<TablePlan>,
    /// The queues.
    pub queues: Vec<QueuePlan>,
    /// The buckets.
    pub buckets: Vec<BucketPlan>,
}

/// One function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionPlan {
    /// Its name in the template; routes, mappings and schedules point to it.
    pub logical_id: String,
    /// The package that it is built from.
    pub binary: String,
    /// Its environment, the template's globals included.
    pub environment: BTreeMap<String, String>,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Megabytes. Nothing is held to it here; the function is told.
    pub memory_mb: u32,
}

/// One route of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutePlan {
    /// None means any method.
    pub method: Option<Method>,
    /// Which paths.
    pub path: RoutePath,
    /// Logical id of the function that answers.
    pub function: String,
}

/// Which paths a route is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoutePath {
    /// `/api/v1/app/{app_id}`; a last part `{name+}` takes the rest of the path.
    Pattern(String),
    /// `$default`: what no other route wants.
    Default,
}

/// An event source mapping: a queue whose messages are brought to a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingPlan {
    /// Logical id of the function.
    pub function: String,
    /// Physical name of the queue.
    pub queue: String,
    /// Most messages of one invocation, 1 to 10.
    pub batch_size: usize,
    /// Whether the function says which messages failed; otherwise all or none are done.
    pub reports_failures: bool,
    /// Most invocations at one time.
    pub concurrency_max: usize,
}

/// A function that is called regularly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchedulePlan {
    /// Its name in the template.
    pub name: String,
    /// Logical id of the function.
    pub function: String,
    /// Time between two calls.
    pub period: Duration,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePlan {
    /// Physical name.
    pub name: String,
    /// The attributes that keys are made of.
    pub attributes: Vec<(String, AttributeType)>,
    /// The table's own key.
    pub key: KeyPlan,
    /// Global secondary indexes.
    pub indexes: Vec<IndexPlan>,
    /// The attribute that holds the time after which an item may be removed.
    pub expiry_attribute: Option<String>,
}

/// Type of a key attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// `S`
    Text,
    /// `N`
    Number,
    /// `B`
    Binary,
}

/// A key: partition, and sort within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPlan {
    /// `HASH`
    pub partition: String,
    /// `RANGE`
    pub sort: Option<String>,
}

/// A global secondary index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPlan {
    /// Its name.
    pub name: String,
    /// Its key.
    pub key: KeyPlan,
    /// What is in it besides the keys.
    pub projection: Projection,
}

/// What an index holds besides the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// Everything.
    All,
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Include(Vec<String>),
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuePlan {
    /// Physical name.
    pub name: String,
    /// Seconds a message that was received stays hidden.
    pub visibility_s: u32,
    /// Seconds a message is kept.
    pub retention_s: u32,
    /// Where messages go that are received again and again.
    pub redrive: Option<Redrive>,
}

/// Where messages go that are received again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// Physical name of the dead-letter queue.
    pub queue: String,
    /// ARN of the dead-letter queue.
    pub queue_arn: String,
    /// Receives after which a message goes there.
    pub receives_max: u32,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketPlan {
    /// Physical name.
    pub name: String,
    /// Who is told of its new objects.
    pub notifications: Vec<NotificationPlan>,
}

/// A queue that is told of a bucket's new objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationPlan {
    /// Of which events: `s3:ObjectCreated:*`.
    pub event: String,
    /// Of keys that begin so; empty: of all.
    pub prefix: String,
    /// Of keys that end so; empty: of all.
    pub suffix: String,
    /// ARN of the queue.
    pub queue_arn: String,
}
