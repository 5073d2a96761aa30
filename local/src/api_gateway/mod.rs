//! What API Gateway does in the cloud: HTTP in front, functions behind, an event of payload format 2.0 in between.
//!
//! A request is matched to a route of the template ([`routes`]), turned into the JSON that API Gateway would send
//! ([`event`]), and given to the function as bytes; what the function answers, bytes again, becomes the response
//! ([`answer`]). So a handler sees exactly what Lambda would show it.
//!
//! **What is promised.** API Gateway's limits hold here too. Whoever sends too much, too slowly, or nonsense is told so in
//! the API's own error shape ([`refusal`]); a function that fails shows as 500 and nothing of itself. An invocation that
//! has begun goes on when its caller hangs up.
//!
//! **What is left out.** Throttling, CORS, authorizers: the template has none that matter here. `rawPath` is the path as it
//! was sent, percent-encoding and all.

mod answer;
mod connection;
mod event;
mod refusal;
mod routes;

pub(crate) use answer::read as read_answer;
pub(crate) use connection::{Api, serve};
pub(crate) use event::{Arrival, write as write_event};
pub(crate) use routes::Routes;

use std::time::Duration;

/// Largest body: API Gateway's own limit, 10 MB.
const BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// How much of a body that is too large is read all the same, so that its sender sees the answer.
const PASSED_OVER_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;
/// All header lines of a request together, names and values: API Gateway's own limit.
const HEADERS_BYTES_MAX: usize = 10_240;
/// Buffer of a connection: several times the headers, so that they are refused here, in the API's shape, and not by the
/// HTTP library without a word.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Header lines; the HTTP library's parser sets aside room for them.
const HEADERS_MAX: usize = 128;
/// How long a connection may take to send the head of its next request, and how long an idle one is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a body may take to arrive: as long as API Gateway gives a whole request.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections at one time. More wait in the listener's queue.
const CONNECTIONS_MAX: usize = 1_024;
/// Pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);
