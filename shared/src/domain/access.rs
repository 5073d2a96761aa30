//! Who may do what: the roles of an organization's callers, and what a portal token lets its bearer do within its one application.

use super::Invalid;

/// One thing a portal may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// See the application, its endpoints, messages and attempts, and the event types.
    ViewBase,
    /// See what an endpoint's deliveries are signed with.
    ViewEndpointSecret,
    /// Change it.
    ManageEndpointSecret,
    /// Change how payloads are transformed; kept for the SDKs, nothing here asks for it.
    ManageTransformations,
    /// Have messages sent again, or examples sent.
    CreateAttempts,
    /// Create, change and delete endpoints.
    ManageEndpoint,
}

impl Capability {
    /// All of them: what a token without a list may do.
    pub const ALL: [Self; 6] = [
        Self::ViewBase,
        Self::ViewEndpointSecret,
        Self::ManageEndpointSecret,
        Self::ManageTransformations,
        Self::CreateAttempts,
        Self::ManageEndpoint,
    ];

    /// What a token that only reads may do. A secret would let its bearer sign as us.
    pub const READ_ONLY: [Self; 1] = [Self::ViewBase];

    /// What an organization's caller needs where a portal needs this.
    pub fn right(self) -> Right {
        match self {
            Self::ViewBase => Right::Read,
            Self::CreateAttempts => Right::Resend,
            Self::ViewEndpointSecret
            | Self::ManageEndpointSecret
            | Self::ManageTransformations
            | Self::ManageEndpoint => Right::Configure,
        }
    }

    /// Its name in tokens and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ViewBase => "ViewBase",
            Self::ViewEndpointSecret => "ViewEndpointSecret",
            Self::ManageEndpointSecret => "ManageEndpointSecret",
            Self::ManageTransformations => "ManageTransformations",
            Self::CreateAttempts => "CreateAttempts",
            Self::ManageEndpoint => "ManageEndpoint",
        }
    }

    /// The capability of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|capability| capability.as_str() == text);
        found.ok_or_else(|| Invalid::new(format!("must be one of {}", Self::ALL.map(Self::as_str).join(", "))))
    }
}

/// What an organization's caller needs for a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// See what is there and what happened, but for secrets.
    Read,
    /// Bring messages in, and call them off.
    Publish,
    /// Have messages sent again, or examples sent.
    Resend,
    /// Everything else: change what is configured, see secrets, remove contents, give access to others.
    Configure,
}

/// What an organization's caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Publish, and nothing else: for the program that does.
    Publisher,
    /// Look, and nothing else.
    Reader,
    /// Look, and send again: for whoever helps customers.
    Support,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Publisher, Self::Reader, Self::Support];

    /// The one table of roles and rights.
    pub fn has(self, right: Right) -> bool {
        match self {
            Self::Owner => true,
            Self::Publisher => right == Right::Publish,
            Self::Reader => right == Right::Read,
            Self::Support => matches!(right, Right::Read | Right::Resend),
        }
    }

    /// Its name in tokens and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Publisher => "publisher",
            Self::Reader => "reader",
            Self::Support => "support",
        }
    }

    /// The role of this name.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| Invalid::new(format!("must be one of {}", Self::ALL.map(Self::as_str).join(", "))))
    }
}

impl serde::Serialize for Role {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Role {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Capability {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Capability {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}
