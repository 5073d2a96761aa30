//! The way in without a socket: an HTTP client for the AWS SDK that hands requests straight to the engines.
//!
//! The SDK serialises, signs, retries and parses as it does against AWS; only the connection is missing. Bodies that
//! are in memory stay there; streams (of S3) are passed on as streams.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use s3s::Body;

use crate::Engines;
use crate::wire::{Request, Response};

#[derive(Debug, Clone)]
pub(crate) struct InProcess {
    connector: SharedHttpConnector,
}

#[derive(Debug)]
struct Connector(Engines);

impl InProcess {
    pub(crate) fn new(engines: Engines) -> Self {
        Self { connector: SharedHttpConnector::new(Connector(engines)) }
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector.clone()
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engines = self.0.clone();
        HttpConnectorFuture::new(async move {
            let response = engines.answer(read(request)?).await;
            write(response)
        })
    }
}

fn read(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    Ok(request.map(|body| match body.bytes() {
        Some(bytes) => Body::from(Bytes::copy_from_slice(bytes)),
        None => Body::http_body_unsync(body),
    }))
}

fn write(response: Response) -> Result<HttpResponse, ConnectorError> {
    let response = response.map(|body| match body.bytes() {
        Some(bytes) => SdkBody::from(bytes),
        None => SdkBody::from_body_1_x(body),
    });
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}
