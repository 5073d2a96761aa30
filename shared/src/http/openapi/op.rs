//! How an operation is described: one short entry, whose words are the operation's own. What follows from the route (method,
//! path, callers) and what is the same for all (refusals) is added by [`super::paths`].

use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use super::values::Collected;
use crate::domain::page::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::domain::timestamp::Timestamp;

/// The description of one operation.
pub(super) struct OperationDoc {
    /// As in the route table.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) query: Vec<Parameter>,
    pub(super) body: Option<Content>,
    pub(super) answers: Vec<AnswerDoc>,
    pub(super) errors: &'static [u16],
    pub(super) is_idempotent: bool,
    pub(super) tags: EntityTags,
}

/// What an operation does with entity tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntityTags {
    /// Nothing.
    Unused,
    /// What it shows has one, and who has that state already gets 304.
    Shown,
    /// A change can be bound to the state that was seen.
    Asked,
}

/// A body: its type, its schema, and one that fits it.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) media_type: &'static str,
    pub(super) schema: RefOr<Schema>,
    pub(super) example: Option<Value>,
    /// Adds the schema and those it names to the components.
    pub(super) collect: fn(&mut Collected),
}

/// What comes back when all is well.
#[derive(Clone)]
pub(super) struct AnswerDoc {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Option<Content>,
}

/// Begins the description of an operation.
pub(super) fn op(id: &'static str, summary: &'static str) -> OperationDoc {
    OperationDoc {
        id,
        summary,
        description: "",
        query: Vec::new(),
        body: None,
        answers: Vec::new(),
        errors: &[],
        is_idempotent: false,
        tags: EntityTags::Unused,
    }
}

impl OperationDoc {
    /// What the summary leaves open.
    pub(super) fn describe(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Query parameters; may be called again for more.
    pub(super) fn query(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.query.extend(parameters);
        self
    }

    /// The JSON it takes, with an example.
    pub(super) fn body<T: ToSchema>(mut self, example: Value) -> Self {
        self.body = Some(json::<T>(example));
        self
    }

    /// It honours idempotency keys.
    pub(super) fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// What it shows has an entity tag: `If-None-Match` is answered with 304.
    pub(super) fn tagged(mut self) -> Self {
        self.tags = EntityTags::Shown;
        self
    }

    /// It can be bound to the state that was seen: `If-Match` and `If-None-Match` are answered with 412.
    pub(super) fn conditional(mut self) -> Self {
        self.tags = EntityTags::Asked;
        self
    }

    /// The JSON it answers with, with an example.
    pub(super) fn answers<T: ToSchema>(self, status: u16, example: Value) -> Self {
        self.answer(status, usual(status), Some(json::<T>(example)))
    }

    /// Another status with the same JSON, and what it means.
    pub(super) fn also(self, status: u16, description: &'static str) -> Self {
        let content = self.answers.first().and_then(|answer| answer.content.clone());
        self.answer(status, description, content)
    }

    /// It answers 204, and what that means.
    pub(super) fn answers_nothing(self, description: &'static str) -> Self {
        self.answer(204, description, None)
    }

    /// It answers 200 with text of this type.
    pub(super) fn answers_text(self, media_type: &'static str) -> Self {
        let schema = Schema::from(of(Type::String)).into();
        self.answer(200, usual(200), Some(Content { media_type, schema, example: None, collect: |_| {} }))
    }

    /// Statuses it refuses with, besides those that follow from its route, its parameters and its body.
    pub(super) fn errors(mut self, statuses: &'static [u16]) -> Self {
        self.errors = statuses;
        self
    }

    fn answer(mut self, status: u16, description: &'static str, content: Option<Content>) -> Self {
        self.answers.push(AnswerDoc { status, description, content });
        self
    }
}

fn json<T: ToSchema>(example: Value) -> Content {
    let collect = |schemas: &mut Collected| {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    };
    let schema = RefOr::Ref(Ref::from_schema_name(T::name()));
    Content { media_type: "application/json", schema, example: Some(example), collect }
}

fn usual(status: u16) -> &'static str {
    match status {
        201 => "Made.",
        202 => "Accepted: it is stored, and will be done.",
        _ => "Done.",
    }
}

fn of(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(kind))
}

fn parameter(name: &str, description: &str, schema: impl Into<RefOr<Schema>>) -> ParameterBuilder {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
    parameter.required(Required::False).description(Some(description)).schema(Some(schema))
}

/// A flag and its default.
pub(super) fn flag(name: &str, default: bool, description: &str) -> Parameter {
    parameter(name, description, Schema::from(of(Type::Boolean).default(Some(default.into())))).build()
}

/// One value of a type.
pub(super) fn one<T: ToSchema>(name: &str, description: &str) -> Parameter {
    parameter(name, description, T::schema()).build()
}

/// Any of several values of a type.
pub(super) fn any_of<T: ToSchema>(name: &str, description: &str) -> Parameter {
    let several = parameter(name, description, Schema::from(ArrayBuilder::new().items(T::schema())));
    several.style(Some(ParameterStyle::Form)).explode(Some(false)).build()
}

/// The page of a list: how many, from where on, and in which order unless the caller says otherwise.
pub(super) fn page(order: &str) -> [Parameter; 3] {
    let limit = of(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(PAGE_ITEMS_MAX as isize))
        .default(Some(PAGE_ITEMS_DEFAULT.into()));
    let iterator = "From where the list goes on: `iterator` or `prevIterator` of a page.";
    let direction = of(Type::String).enum_values(Some(["ascending", "descending"]));
    [
        parameter("limit", "Items of a page.", Schema::from(limit)).build(),
        parameter("iterator", iterator, Schema::from(of(Type::String))).build(),
        parameter("order", order, Schema::from(direction)).build(),
    ]
}

/// The order of a list by time.
pub(super) const BY_TIME: &str = "Which end comes first; the newest, unless only `after` is given.";

/// Bounds of a list by time.
pub(super) fn times() -> [Parameter; 2] {
    [
        one::<Timestamp>("before", "Only what is older than this instant."),
        one::<Timestamp>("after", "Only what is from this instant on."),
    ]
}
