//! Functions and what triggers them.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::TemplateError;
use super::names::physical_name;
use super::node::Node;
use super::plan::{FunctionPlan, MappingPlan, Plan, RoutePath, RoutePlan, SchedulePlan};
use super::resources::{Kind, Resource, Resources};
use super::schedule;
use super::values::Values;

const READ: [&str; 4] = ["Environment", "Events", "MemorySize", "Timeout"];
/// How a function is built and deployed, what it may do, where its logs go, and what Lambda does when it fails to start,
/// is throttled or calls itself by way of a queue, which nobody counts here.
const WITHOUT_MEANING: [&str; 19] = [
    "Architectures",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "CodeUri",
    "DeploymentPreference",
    "Description",
    "EphemeralStorage",
    "EventInvokeConfig",
    "Handler",
    "LoggingConfig",
    "PermissionsBoundary",
    "Policies",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "Role",
    "Runtime",
    "Tags",
    "Tracing",
    "VersionDescription",
];

/// Lambda's defaults.
const TIMEOUT_S_DEFAULT: u64 = 3;
const MEMORY_MB_DEFAULT: u32 = 128;
const BATCH_SIZE_DEFAULT: usize = 10;
/// Lambda fetches more than one receive can hold only with a batching window, which is not understood here.
const BATCH_SIZE_MAX: usize = 10;
/// Where the template names no limit: what an account may run by default.
const CONCURRENCY_DEFAULT: usize = 1000;

pub(super) fn read(
    plan: &mut Plan,
    globals: Option<Node<'_>>,
    resources: &Resources<'_>,
    values: &Values<'_>,
) -> Result<(), TemplateError> {
    let globals = match globals {
        None => None,
        Some(globals) => {
            globals.only(&["Function"], &[])?;
            globals.get("Function")
        }
    };
    if let Some(globals) = &globals {
        globals.only(&READ, &WITHOUT_MEANING)?;
    }
    for (logical_id, resource) in resources.of(Kind::Function) {
        let function = function(logical_id, resource, globals.as_ref(), values)?;
        if let Some(events) = resource.required_properties()?.get("Events") {
            for (name, event) in events.members()? {
                trigger(plan, logical_id, name, &event, values)?;
            }
        }
        plan.functions.push(function);
    }
    check_apis(resources)
}

fn function(
    logical_id: &str,
    resource: &Resource<'_>,
    globals: Option<&Node<'_>>,
    values: &Values<'_>,
) -> Result<FunctionPlan, TemplateError> {
    let properties = resource.required_properties()?;
    properties.only(&READ, &WITHOUT_MEANING)?;
    let property = |name: &str| properties.get(name).or_else(|| globals.and_then(|globals| globals.get(name)));
    let timeout_s = property("Timeout").map_or(Ok(TIMEOUT_S_DEFAULT), |node| values.number(&node))?;
    let mut environment = BTreeMap::new();
    for layer in globals.into_iter().chain([properties]).filter_map(|layer| layer.get("Environment")) {
        add_variables(&mut environment, &layer, values)?;
    }
    Ok(FunctionPlan {
        logical_id: logical_id.to_owned(),
        binary: binary(resource)?,
        environment,
        timeout: Duration::from_secs(timeout_s),
        memory_mb: property("MemorySize").map_or(Ok(MEMORY_MB_DEFAULT), |node| values.number(&node))?,
    })
}

/// `Metadata.BuildProperties.Binary`, which tells cargo-lambda what to build.
fn binary(resource: &Resource<'_>) -> Result<String, TemplateError> {
    let metadata = resource.metadata.as_ref().ok_or_else(|| resource.node.wrong("Metadata is missing"))?;
    let binary = metadata.required("BuildProperties")?.required("Binary")?;
    Ok(binary.literal()?.to_owned())
}

fn add_variables(
    environment: &mut BTreeMap<String, String>,
    layer: &Node<'_>,
    values: &Values<'_>,
) -> Result<(), TemplateError> {
    layer.only(&["Variables"], &[])?;
    for (name, node) in layer.required("Variables")?.members()? {
        environment.insert(name.to_owned(), values.text(&node)?);
    }
    Ok(())
}

fn trigger(
    plan: &mut Plan,
    function: &str,
    name: &str,
    event: &Node<'_>,
    values: &Values<'_>,
) -> Result<(), TemplateError> {
    event.only(&["Type", "Properties"], &[])?;
    let kind = event.required("Type")?;
    let properties = event.required("Properties")?;
    match kind.literal()? {
        "HttpApi" => plan.routes.push(route(function, &properties, values)?),
        "SQS" => plan.mappings.push(mapping(function, &properties, values)?),
        "ScheduleV2" => plan.schedules.push(schedule(function, name, &properties, values)?),
        other => return Err(kind.wrong(format!("{other} is not understood by the local gateway"))),
    }
    Ok(())
}

fn route(function: &str, properties: &Node<'_>, values: &Values<'_>) -> Result<RoutePlan, TemplateError> {
    properties.only(&["Method", "Path", "PayloadFormatVersion"], &["ApiId", "RouteSettings", "TimeoutInMillis"])?;
    if let Some(version) = properties.get("PayloadFormatVersion")
        && values.text(&version)? != "2.0"
    {
        return Err(version.wrong("must be 2.0"));
    }
    let path = properties.required("Path")?;
    let path = match values.text(&path)? {
        text if text == "$default" => RoutePath::Default,
        text if text.starts_with('/') => RoutePath::Pattern(text),
        _ => return Err(path.wrong("must begin with /, or be $default")),
    };
    let method = properties.required("Method")?;
    let method = match values.text(&method)?.to_ascii_uppercase().as_str() {
        "ANY" | "*" => None,
        text => Some(Method::from_bytes(text.as_bytes()).map_err(|_| method.wrong("must be an HTTP method or ANY"))?),
    };
    Ok(RoutePlan { method, path, function: function.to_owned() })
}

fn mapping(function: &str, properties: &Node<'_>, values: &Values<'_>) -> Result<MappingPlan, TemplateError> {
    properties.only(&["Queue", "BatchSize", "FunctionResponseTypes", "ScalingConfig", "Enabled"], &[])?;
    if let Some(enabled) = properties.get("Enabled")
        && !values.truth(&enabled)?
    {
        return Err(enabled.wrong("false is not understood by the local gateway"));
    }
    let batch_size = match properties.get("BatchSize") {
        None => BATCH_SIZE_DEFAULT,
        Some(node) => {
            let size = values.number(&node)?;
            (1..=BATCH_SIZE_MAX).contains(&size).then_some(size).ok_or_else(|| node.wrong("must be from 1 to 10"))?
        }
    };
    let queue_id = values.queue_id(&properties.required("Queue")?)?;
    Ok(MappingPlan {
        function: function.to_owned(),
        queue: physical_name(&queue_id, "Queue"),
        batch_size,
        reports_failures: reports_failures(properties, values)?,
        concurrency_max: concurrency_max(properties, values)?,
    })
}

fn reports_failures(properties: &Node<'_>, values: &Values<'_>) -> Result<bool, TemplateError> {
    let Some(types) = properties.get("FunctionResponseTypes") else { return Ok(false) };
    for each in types.items()? {
        if values.text(&each)? != "ReportBatchItemFailures" {
            return Err(each.wrong("must be ReportBatchItemFailures"));
        }
    }
    Ok(!types.items()?.is_empty())
}

fn concurrency_max(properties: &Node<'_>, values: &Values<'_>) -> Result<usize, TemplateError> {
    let Some(scaling) = properties.get("ScalingConfig") else { return Ok(CONCURRENCY_DEFAULT) };
    scaling.only(&["MaximumConcurrency"], &[])?;
    let node = scaling.required("MaximumConcurrency")?;
    let number = values.number(&node)?;
    (2..=1000).contains(&number).then_some(number).ok_or_else(|| node.wrong("must be from 2 to 1000"))
}

fn schedule(
    function: &str,
    name: &str,
    properties: &Node<'_>,
    values: &Values<'_>,
) -> Result<SchedulePlan, TemplateError> {
    // A call that fails is not repeated here: the next one comes by itself.
    properties.only(
        &["ScheduleExpression"],
        &["Description", "Name", "OmitName", "RetryPolicy", "RoleArn", "DeadLetterConfig"],
    )?;
    let expression = properties.required("ScheduleExpression")?;
    let period = schedule::period(&values.text(&expression)?).map_err(|reason| expression.wrong(reason))?;
    Ok(SchedulePlan { name: name.to_owned(), function: function.to_owned(), period })
}

/// Throttling, access logs and the names it answers to are API Gateway's own business; anything else would change what a caller
/// sees.
fn check_apis(resources: &Resources<'_>) -> Result<(), TemplateError> {
    let without_meaning = [
        "AccessLogSettings",
        "DefaultRouteSettings",
        "Description",
        "DisableExecuteApiEndpoint",
        "FailOnWarnings",
        "Name",
        "Tags",
    ];
    for (_, api) in resources.of(Kind::HttpApi) {
        if let Some(properties) = &api.properties {
            properties.only(&[], &without_meaning)?;
        }
    }
    match resources.of(Kind::HttpApi).nth(1) {
        Some((_, second)) => Err(second.node.wrong("there can be only one HTTP API")),
        None => Ok(()),
    }
}
