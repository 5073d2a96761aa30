//! Why a request is refused.

/// Why a request is refused. Shows nothing of secrets and body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A header that the scheme needs is not there.
    #[error("the header {0} is missing")]
    Missing(String),
    /// A header that is to be there once is there more often.
    #[error("the header {0} is there more than once")]
    Repeated(String),
    /// A header is not in the form that the scheme has.
    #[error("the header {0} is malformed")]
    Malformed(String),
    /// No secret makes this signature, or these are no credentials of ours.
    #[error("the signature does not match")]
    Mismatch,
    /// Signed longer ago than is tolerated: perhaps sent again by somebody else.
    #[error("the request is too old")]
    TooOld,
    /// Signed later than now.
    #[error("the request is from the future")]
    FromFuture,
    /// The body is not what this provider sends.
    #[error("the body {0}")]
    BadBody(&'static str),
}

impl Rejected {
    /// A word for it, to count by.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing-header",
            Self::Repeated(_) => "repeated-header",
            Self::Malformed(_) => "malformed-header",
            Self::Mismatch => "mismatch",
            Self::TooOld => "too-old",
            Self::FromFuture => "from-future",
            Self::BadBody(_) => "bad-body",
        }
    }
}
