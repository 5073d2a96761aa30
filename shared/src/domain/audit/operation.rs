//! What is done to the configuration.

use crate::domain::Invalid;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What was done: noun and verb.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $variant,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in records, answers and filters.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

operations! {
    /// An application was made.
    ApplicationCreate = "application.create",
    /// It was replaced or changed.
    ApplicationUpdate = "application.update",
    /// It was deleted, and its endpoints with it.
    ApplicationDelete = "application.delete",
    /// An endpoint was made.
    EndpointCreate = "endpoint.create",
    /// It was replaced or changed, or its headers were.
    EndpointUpdate = "endpoint.update",
    /// Its secret was replaced.
    EndpointRotateSecret = "endpoint.rotate-secret",
    /// The gateway switched it off.
    EndpointDisable = "endpoint.disable",
    /// It was deleted.
    EndpointDelete = "endpoint.delete",
    /// An event type was made.
    EventTypeCreate = "event-type.create",
    /// It was replaced, changed or archived.
    EventTypeUpdate = "event-type.update",
    /// It was forgotten altogether.
    EventTypeDelete = "event-type.delete",
    /// A source was made.
    SourceCreate = "source.create",
    /// It was replaced or changed.
    SourceUpdate = "source.update",
    /// Its secret was replaced.
    SourceRotateSecret = "source.rotate-secret",
    /// Its address was replaced.
    SourceRotateToken = "source.rotate-token",
    /// It was deleted.
    SourceDelete = "source.delete",
    /// An API key was made.
    ApiKeyCreate = "api-key.create",
    /// It was deleted.
    ApiKeyDelete = "api-key.delete",
    /// A portal token was given out.
    PortalTokenIssue = "portal-token.issue",
    /// Portal tokens were called back.
    PortalTokenExpire = "portal-token.expire",
    /// A data key was replaced.
    EncryptionKeyRotate = "encryption-key.rotate",
    /// A data key was erased, and what it sealed.
    EncryptionKeyErase = "encryption-key.erase",
}

impl Operation {
    /// The one of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.iter().find(|operation| operation.as_str() == text);
        found.copied().ok_or_else(|| Invalid::new("is not the name of a change, such as endpoint.update"))
    }
}
