//! Who does something: whom a request was found to come from, as it is kept on record.

use super::ids::{ApiKeyId, ApplicationId};

/// Who does something. Names only: nothing in it lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has a token that is signed with the gateway's own secret, and names the organization.
    Token,
    /// A user or machine that an identity provider vouches for.
    Identity {
        /// What the provider calls it.
        subject: String,
    },
    /// Whoever has an API key.
    ApiKey {
        /// The key's identifier.
        id: ApiKeyId,
    },
    /// The portal of one application.
    Portal {
        /// Which application's.
        application: ApplicationId,
        /// The token's own name.
        token: String,
    },
    /// The gateway itself.
    Gateway,
}
