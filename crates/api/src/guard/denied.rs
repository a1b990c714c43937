//! Why a request does not come to its operation.

use revaer_application::AuthFailure;
use revaer_domain::api_key::Scope;

/// What the guard says no with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// The setup comes first.
    #[error("the setup is not complete")]
    SetupRequired,
    /// The setup is for this machine.
    #[error("the setup is not for strangers")]
    SetupElsewhere,
    /// Who asks is not known; why not, if a secret was shown.
    #[error("the request is not authenticated")]
    Unauthenticated(Option<AuthFailure>),
    /// Who asks may not do this.
    #[error("the scope `{needed}` is needed")]
    Forbidden {
        /// What would do.
        needed: Scope,
    },
    /// More requests than may be made.
    #[error("too many requests")]
    RateLimited {
        /// When the next one may succeed.
        retry_after_seconds: u32,
    },
}

impl Denied {
    /// Its name among the reasons that are counted.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SetupRequired => "setup_required",
            Self::SetupElsewhere => "setup_elsewhere",
            Self::Unauthenticated(None) => "no_key",
            Self::Unauthenticated(Some(AuthFailure::Unknown)) => "unknown_key",
            Self::Unauthenticated(Some(AuthFailure::Expired)) => "expired_key",
            Self::Forbidden { .. } => "forbidden",
            Self::RateLimited { .. } => "rate_limited",
        }
    }
}
