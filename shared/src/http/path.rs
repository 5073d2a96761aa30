//! Path parameters. What cannot be read names nothing. The application is named through the caller:
//! [`super::Caller::application`].

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::store::{EndpointRef, MessageRef, SourceRef};

/// The path's parameters, in order.
#[derive(Debug)]
pub struct Segments<T>(pub T);

impl<T, S> FromRequestParts<S> for Segments<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Path::<T>::from_request_parts(parts, state).await.map(|Path(value)| Self(value)).map_err(|_| Problem::NotFound)
    }
}

/// The endpoint a path names.
pub fn endpoint(text: &str) -> Result<EndpointRef, Problem> {
    EndpointRef::parse(text).ok_or(Problem::NotFound)
}

/// The source a path names.
pub fn source(text: &str) -> Result<SourceRef, Problem> {
    SourceRef::parse(text).ok_or(Problem::NotFound)
}

/// The message a path names.
pub fn message(text: &str) -> Result<MessageRef, Problem> {
    MessageRef::parse(text).ok_or(Problem::NotFound)
}
