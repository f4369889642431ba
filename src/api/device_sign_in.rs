//! Signing in with the dealer's account from a terminal: the person goes to
//! the identity provider elsewhere, the terminal asks whether it is done
//! (RFC 8628).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::DeviceSignInId;

/// `POST /v1/device-sign-ins`, the answer: what to show the person, and the
/// code to ask on with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceSignIn {
    /// Its id.
    pub id: DeviceSignInId,
    /// What the person enters at the provider, or compares there.
    pub user_code: String,
    /// Where the person goes.
    pub verification_uri: String,
    /// The same with the code in it, for a QR code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// Ask again after so many seconds.
    pub interval: u64,
    /// Until then it can be finished.
    pub expires_at: Timestamp,
    /// To ask on with; shown this once and kept hashed.
    pub poll_code: String,
}

impl std::fmt::Debug for DeviceSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceSignIn").field("id", &self.id).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// `POST /v1/device-sign-ins/{id}`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DevicePoll {
    /// From the first answer.
    pub poll_code: String,
}

impl std::fmt::Debug for DevicePoll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DevicePoll").finish_non_exhaustive()
    }
}

/// The answer: not yet, or a session. The token is shown this once; a sign-in
/// that is finished is gone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeviceState {
    /// The person is not done yet.
    Waiting {
        /// Ask again after so many seconds.
        interval: u64,
    },
    /// The person is signed in.
    SignedIn {
        /// For `Authorization: Bearer`.
        token: String,
        /// When it ends at the latest.
        expires_at: Timestamp,
    },
}

impl std::fmt::Debug for DeviceState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Waiting { interval } => f.debug_struct("Waiting").field("interval", interval).finish(),
            Self::SignedIn { expires_at, .. } => f.debug_struct("SignedIn").field("expires_at", expires_at).finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_ever_printed() {
        let state = DeviceState::SignedIn { token: "secret".to_owned(), expires_at: Timestamp::UNIX_EPOCH };
        let poll = DevicePoll { poll_code: "secret".to_owned() };
        assert!(!format!("{state:?} {poll:?}").contains("secret"));
    }

    #[test]
    fn the_state_says_which_it_is() {
        let waiting = serde_json::to_value(DeviceState::Waiting { interval: 5 }).unwrap();
        assert_eq!(waiting, serde_json::json!({ "state": "waiting", "interval": 5 }));
    }
}
