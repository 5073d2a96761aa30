//! The resources of a template by logical id, before anything is read from them.

use std::collections::BTreeMap;

use super::TemplateError;
use super::node::Node;

const MEMBERS_READ: [&str; 3] = ["Type", "Properties", "Metadata"];
/// What happens to a resource when the stack is changed or deleted.
const MEMBERS_WITHOUT_MEANING: [&str; 3] = ["DeletionPolicy", "UpdateReplacePolicy", "DependsOn"];

/// What has no meaning may come and go by conditions, which are not understood here.
const CONDITION: &str = "Condition";

/// Types that mean nothing on one machine: there are no permissions, log groups, alarms or names of one's own here.
const TYPES_WITHOUT_MEANING: [&str; 15] = [
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSetGroup",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
];

/// What a resource is, as far as the local gateway knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Function,
    HttpApi,
    Table,
    Queue,
    Bucket,
    Key,
    WithoutMeaning,
}

/// A resource with its properties and metadata, still as they are written.
pub(super) struct Resource<'a> {
    pub(super) kind: Kind,
    pub(super) properties: Option<Node<'a>>,
    pub(super) metadata: Option<Node<'a>>,
    pub(super) node: Node<'a>,
}

impl<'a> Resource<'a> {
    pub(super) fn required_properties(&self) -> Result<&Node<'a>, TemplateError> {
        self.properties.as_ref().ok_or_else(|| self.node.wrong("Properties is missing"))
    }
}

pub(super) struct Resources<'a>(BTreeMap<&'a str, Resource<'a>>);

impl<'a> Resources<'a> {
    pub(super) fn read(node: &Node<'a>) -> Result<Self, TemplateError> {
        let read = |(logical_id, member): (&'a str, Node<'a>)| {
            // Complaints begin with the logical id, and go on with the property as it is written in the template.
            let node = Node::new(logical_id, member.value());
            let kind = kind(&node.required("Type")?)?;
            let condition = (kind == Kind::WithoutMeaning).then_some(CONDITION);
            let without_meaning: Vec<&str> = MEMBERS_WITHOUT_MEANING.into_iter().chain(condition).collect();
            node.only(&MEMBERS_READ, &without_meaning)?;
            let properties = node.get("Properties").map(|properties| Node::new(logical_id, properties.value()));
            Ok((logical_id, Resource { kind, properties, metadata: node.get("Metadata"), node }))
        };
        node.members()?.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn get(&self, logical_id: &str) -> Option<&Resource<'a>> {
        self.0.get(logical_id)
    }

    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = (&'a str, &Resource<'a>)> {
        self.0.iter().filter(move |(_, resource)| resource.kind == kind).map(|(id, resource)| (*id, resource))
    }
}

fn kind(node: &Node<'_>) -> Result<Kind, TemplateError> {
    match node.literal()? {
        "AWS::Serverless::Function" => Ok(Kind::Function),
        "AWS::Serverless::HttpApi" => Ok(Kind::HttpApi),
        "AWS::DynamoDB::Table" => Ok(Kind::Table),
        "AWS::SQS::Queue" => Ok(Kind::Queue),
        "AWS::S3::Bucket" => Ok(Kind::Bucket),
        "AWS::KMS::Key" => Ok(Kind::Key),
        name if TYPES_WITHOUT_MEANING.contains(&name) => Ok(Kind::WithoutMeaning),
        name => Err(node.wrong(format!("{name} is not understood by the local gateway"))),
    }
}
