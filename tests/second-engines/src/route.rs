//! Which service a request is for, and the same request sent elsewhere.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use http::Uri;

use crate::Service;

/// What our engines' host ends with; in front of it a bucket may stand.
const OUR_HOST: &str = "engines.local";

/// The protocols of DynamoDB, SQS and KMS name themselves; what does not is S3's.
pub(crate) fn service_of(request: &HttpRequest) -> Service {
    match request.headers().get("x-amz-target").and_then(|target| target.split('.').next()) {
        None => Service::Objects,
        Some("AmazonSQS") => Service::Queues,
        Some("TrentService") => Service::Keys,
        Some(_) => Service::Table,
    }
}

/// Changes the request's address, with its bucket in the path, and who signed it.
pub(crate) fn send_to(url: &str, access_key: &str, request: &mut HttpRequest) -> Result<(), ConnectorError> {
    let uri: Uri = request.uri().parse().map_err(|error: http::uri::InvalidUri| ConnectorError::user(error.into()))?;
    let bucket = uri.host().and_then(|host| host.strip_suffix(OUR_HOST)).and_then(|host| host.strip_suffix('.'));
    let bucket = bucket.map(|bucket| format!("/{bucket}")).unwrap_or_default();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    request.set_uri(format!("{url}{bucket}{path}")).map_err(|error| ConnectorError::user(error.into()))?;
    request.headers_mut().remove("host");
    if let Some(signed) = request.headers().get("authorization").map(|header| signed_by(access_key, header)) {
        request.headers_mut().insert("authorization", signed);
    }
    Ok(())
}

/// `AWS4-HMAC-SHA256 Credential=local/…` with another name in the place of `local`.
fn signed_by(access_key: &str, authorization: &str) -> String {
    const CREDENTIAL: &str = "Credential=";
    match authorization.split_once(CREDENTIAL) {
        Some((before, rest)) => {
            let scope = rest.split_once('/').map_or("", |(_, scope)| scope);
            format!("{before}{CREDENTIAL}{access_key}/{scope}")
        }
        None => authorization.to_owned(),
    }
}
