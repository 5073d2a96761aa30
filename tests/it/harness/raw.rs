//! Requests that no SDK would send.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::answer::Answer;

/// Sends one request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    try_send(address, request).await.unwrap()
}

/// As [`send`], to somebody who may not be there.
pub(crate) async fn try_send(
    address: SocketAddr,
    mut request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn std::error::Error>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    request.headers_mut().insert("host", address.to_string().parse()?);
    let answer = Answer::read(sender.send_request(request).await?).await;
    connection.abort();
    Ok(answer)
}
