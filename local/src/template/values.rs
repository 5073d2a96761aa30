//! What a value of the template means here: text, numbers, and the references `!Ref`, `!GetAtt` and `!Sub` in their short
//! and long forms.

use std::collections::BTreeMap;

use yaml_serde::Value;

use super::TemplateError;
use super::names::physical_name;
use super::node::Node;
use super::resources::{Kind, Resources};

/// Where the stack is, as far as its references care.
#[derive(Clone, Debug)]
pub struct Place {
    /// The account in ARNs and queue URLs.
    pub account: String,
    /// The region in ARNs.
    pub region: String,
    /// What queue URLs begin with: `http://engines.local`.
    pub endpoint_url: String,
    /// `AWS::StackName`.
    pub stack_name: String,
}

impl Place {
    /// This machine, with queues behind this endpoint.
    pub fn local(endpoint_url: &str) -> Self {
        Self {
            account: fanfare_engines::LOCAL_ACCOUNT.to_owned(),
            region: fanfare_engines::LOCAL_REGION.to_owned(),
            endpoint_url: endpoint_url.to_owned(),
            stack_name: "fanfare-local".to_owned(),
        }
    }
}

/// Everything a reference can point to.
pub(super) struct Values<'a> {
    parameters: BTreeMap<String, Option<String>>,
    resources: &'a Resources<'a>,
    place: &'a Place,
}

impl<'a> Values<'a> {
    pub(super) fn read(
        parameters: Option<Node<'a>>,
        resources: &'a Resources<'a>,
        place: &'a Place,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let members = parameters.map_or(Ok(Vec::new()), |node| node.members())?;
        let value = |(name, node): (&str, Node<'_>)| {
            let default = node.get("Default").map(|default| scalar(&default)).transpose()?;
            Ok((name.to_owned(), given.get(name).cloned().or(default)))
        };
        Ok(Self { parameters: members.into_iter().map(value).collect::<Result<_, _>>()?, resources, place })
    }

    /// The value as text, whatever way it is written.
    pub(super) fn text(&self, node: &Node<'_>) -> Result<String, TemplateError> {
        match reference(node.value()) {
            None => scalar(node),
            Some((function, argument)) => {
                self.computed(function, argument).map_err(|reason| TemplateError::new(node.place(), reason))
            }
        }
    }

    /// The value as a number that is not negative.
    pub(super) fn number<N: std::str::FromStr>(&self, node: &Node<'_>) -> Result<N, TemplateError> {
        self.text(node)?.parse().map_err(|_| node.wrong("must be a whole number, not negative"))
    }

    /// The value as `true` or `false`.
    pub(super) fn truth(&self, node: &Node<'_>) -> Result<bool, TemplateError> {
        self.text(node)?.parse().map_err(|_| node.wrong("must be true or false"))
    }

    /// The logical id of the queue that a `!GetAtt Queue.Arn` points to.
    pub(super) fn queue_id(&self, node: &Node<'_>) -> Result<String, TemplateError> {
        let arn = self.text(node)?;
        let mut queues = self.resources.of(Kind::Queue);
        let found = queues.find(|(id, _)| self.attribute(id, "Arn").as_ref() == Ok(&arn));
        found.map(|(id, _)| id.to_owned()).ok_or_else(|| node.wrong("must be the Arn of a queue of this template"))
    }

    fn computed(&self, function: &str, argument: &Value) -> Result<String, String> {
        match (function, argument) {
            ("Ref", Value::String(name)) => self.reference(name),
            ("GetAtt", Value::String(path)) => self.attribute_at(path),
            ("GetAtt", Value::Sequence(path)) => {
                let parts: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
                self.attribute_at(&parts.join("."))
            }
            ("Sub", Value::String(text)) => self.substituted(text),
            _ => Err(format!("!{function} of this form is not understood by the local gateway")),
        }
    }

    fn reference(&self, name: &str) -> Result<String, String> {
        if let Some(pseudo) = self.pseudo(name) {
            return Ok(pseudo);
        }
        if let Some(value) = self.parameters.get(name) {
            return value.clone().ok_or_else(|| format!("the parameter {name} has neither a default nor a value"));
        }
        match self.resources.get(name).map(|resource| resource.kind) {
            Some(Kind::Table) => Ok(physical_name(name, "Table")),
            Some(Kind::Bucket) => Ok(physical_name(name, "Bucket")),
            Some(Kind::Queue) => self.attribute(name, "QueueUrl"),
            Some(Kind::Key) => Ok(physical_name(name, "Key")),
            Some(Kind::Function | Kind::HttpApi | Kind::WithoutMeaning) => Ok(name.to_owned()),
            None => Err(format!("!Ref {name} points to nothing")),
        }
    }

    fn attribute_at(&self, path: &str) -> Result<String, String> {
        let (name, attribute) = path.split_once('.').ok_or_else(|| format!("!GetAtt {path} names no attribute"))?;
        self.attribute(name, attribute)
    }

    fn attribute(&self, name: &str, attribute: &str) -> Result<String, String> {
        let kind = self.resources.get(name).map(|resource| resource.kind);
        let Place { account, region, endpoint_url, .. } = self.place;
        match (kind, attribute) {
            (Some(Kind::Queue), "QueueUrl") => Ok(format!("{endpoint_url}/{account}/{}", physical_name(name, "Queue"))),
            (Some(Kind::Queue), "QueueName") => Ok(physical_name(name, "Queue")),
            (Some(Kind::Queue), "Arn") => {
                Ok(format!("arn:aws:sqs:{region}:{account}:{}", physical_name(name, "Queue")))
            }
            (Some(Kind::Table), "Arn") => {
                Ok(format!("arn:aws:dynamodb:{region}:{account}:table/{}", physical_name(name, "Table")))
            }
            (Some(Kind::Bucket), "Arn") => Ok(format!("arn:aws:s3:::{}", physical_name(name, "Bucket"))),
            (Some(Kind::Key), "Arn") => {
                Ok(format!("arn:aws:kms:{region}:{account}:key/{}", physical_name(name, "Key")))
            }
            (None, _) => Err(format!("!GetAtt {name}.{attribute} points to nothing")),
            (Some(_), _) => Err(format!("!GetAtt {name}.{attribute} is not understood by the local gateway")),
        }
    }

    fn substituted(&self, text: &str) -> Result<String, String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("!Sub {text}: a ${{ is not closed"))?;
            result.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => result.push_str(&format!("${{{literal}}}")),
                None if name.starts_with("AWS::") || !name.contains('.') => result.push_str(&self.reference(name)?),
                None => result.push_str(&self.attribute_at(name)?),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn pseudo(&self, name: &str) -> Option<String> {
        match name {
            "AWS::Region" => Some(self.place.region.clone()),
            "AWS::AccountId" => Some(self.place.account.clone()),
            "AWS::StackName" => Some(self.place.stack_name.clone()),
            "AWS::Partition" => Some("aws".to_owned()),
            "AWS::URLSuffix" => Some("amazonaws.com".to_owned()),
            _ => None,
        }
    }
}

/// The function and its argument, if the value is one: `!Ref X`, or `{ "Ref": X }`, or `{ "Fn::GetAtt": X }`.
fn reference(value: &Value) -> Option<(&str, &Value)> {
    if let Value::Tagged(tagged) = value {
        return Some((tagged_name(tagged), &tagged.value));
    }
    let mapping = value.as_mapping().filter(|mapping| mapping.len() == 1)?;
    let (name, argument) = mapping.iter().next()?;
    match name.as_str()? {
        "Ref" => Some(("Ref", argument)),
        name => name.strip_prefix("Fn::").map(|function| (function, argument)),
    }
}

/// The functions we know, and one name for all others: a tag's text cannot be borrowed.
fn tagged_name(tagged: &yaml_serde::value::TaggedValue) -> &'static str {
    ["Ref", "GetAtt", "Sub"].into_iter().find(|name| tagged.tag == *name).unwrap_or("…")
}

fn scalar(node: &Node<'_>) -> Result<String, TemplateError> {
    match node.value() {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_) => {
            Err(node.wrong("must be text, a number or a truth value"))
        }
    }
}
