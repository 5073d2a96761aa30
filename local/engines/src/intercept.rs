//! Something between the SDK's clients and what answers them: a meter, or faults.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

type Pass = Arc<dyn Fn(&SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync>;

/// The client, with every request handed to `pass` first, which may have it answered by what it is given, or answer itself.
pub fn intercept(
    inner: SharedHttpClient,
    pass: impl Fn(&SharedHttpConnector, HttpRequest) -> HttpConnectorFuture + Send + Sync + 'static,
) -> SharedHttpClient {
    SharedHttpClient::new(Client { inner, pass: Arc::new(pass) })
}

struct Client {
    inner: SharedHttpClient,
    pass: Pass,
}

struct Connector {
    inner: SharedHttpConnector,
    pass: Pass,
}

impl HttpClient for Client {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, pass: Arc::clone(&self.pass) })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        (self.pass)(&self.inner, request)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("inner", &self.inner).finish_non_exhaustive()
    }
}
