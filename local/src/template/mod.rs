//! Reads `template.yaml`, so that what runs here is what is deployed.
//!
//! The text becomes a [`Plan`]: plain lists of functions, routes, event source mappings, schedules, tables, queues and
//! buckets, with every `!Ref`, `!GetAtt` and `!Sub` replaced by what it means on this machine.
//!
//! **What is promised.** Nothing is passed over in silence. Each kind of resource has two lists: the properties that are
//! read, and those that mean nothing on one machine (policies, log groups, encryption at rest). Whatever is in neither
//! is an error that names the resource and the property, and so is a value that is not understood. Who teaches the
//! template something new is told at once that the local gateway does not know it yet.
//!
//! **Names.** A stack's resources get random names; here they have fixed ones, see [`physical_name`].

mod error;
mod functions;
mod names;
mod node;
mod plan;
mod resources;
mod schedule;
mod storage;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

pub use error::TemplateError;
pub use names::physical_name;
pub use plan::{
    AttributeType, BucketPlan, FunctionPlan, IndexPlan, KeyPlan, MappingPlan, NotificationPlan, Plan, Projection,
    QueuePlan, Redrive, RoutePath, RoutePlan, SchedulePlan, TablePlan,
};
pub use values::Place;

use node::Node;
use resources::Resources;
use values::Values;

/// The deployed stack's own template, as it was when this program was built.
pub const TEMPLATE: &str = include_str!("../../../template.yaml");

const SECTIONS_READ: [&str; 3] = ["Parameters", "Globals", "Resources"];
/// Mappings and conditions among them: whatever is read and refers to one is an error where it stands.
const SECTIONS_WITHOUT_MEANING: [&str; 8] =
    ["AWSTemplateFormatVersion", "Transform", "Description", "Metadata", "Mappings", "Rules", "Conditions", "Outputs"];

impl Plan {
    /// Reads a template. `parameters` go before the parameters' defaults; one that has neither, and is used, is an error.
    pub fn read(text: &str, place: &Place, parameters: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let document: yaml_serde::Value =
            yaml_serde::from_str(text).map_err(|error| TemplateError::new("template", error.to_string()))?;
        let document = Node::new(String::new(), &document);
        document.only(&SECTIONS_READ, &SECTIONS_WITHOUT_MEANING)?;
        let resources = Resources::read(&document.required("Resources")?)?;
        let values = Values::read(document.get("Parameters"), &resources, place, parameters)?;
        let mut plan = Plan::default();
        functions::read(&mut plan, document.get("Globals"), &resources, &values)?;
        storage::read(&mut plan, &resources, &values)?;
        Ok(plan)
    }
}
