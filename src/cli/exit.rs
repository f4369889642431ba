//! How a verb ends: exit codes (8.1) and the sentence of a failure.

use std::process::ExitCode;

use super::output;
use crate::api::problem::Problem;
use crate::config::{ConfigError, Mistake};
use crate::text::{for_screen, json_for_screen};

/// The ways to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0.
    Done,
    /// 1.
    Failed,
    /// 2: wrong usage.
    Usage,
    /// 3: not found, or not unique.
    NotFound,
    /// 4: refused by the role.
    #[cfg(feature = "client")]
    Role,
    /// 5: the server cannot be reached.
    #[cfg(feature = "client")]
    Unreachable,
    /// 6: a value was refused.
    Value,
    /// 128 and the signal's number.
    #[cfg(feature = "client")]
    Signal(i32),
}

impl Exit {
    /// What the shell sees.
    pub(super) fn code(self) -> ExitCode {
        let code: u8 = match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            #[cfg(feature = "client")]
            Self::Role => 4,
            #[cfg(feature = "client")]
            Self::Unreachable => 5,
            Self::Value => 6,
            #[cfg(feature = "client")]
            Self::Signal(number) => u8::try_from(number.saturating_add(128)).unwrap_or(u8::MAX),
        };
        ExitCode::from(code)
    }
}

impl Exit {
    /// What scripts read where no problem of the server says more.
    const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            #[cfg(feature = "client")]
            Self::Role => "permission.missing",
            #[cfg(feature = "client")]
            Self::Unreachable => "unreachable",
            Self::Value => "fields.invalid",
            #[cfg(feature = "client")]
            Self::Signal(_) => "signal",
        }
    }
}

/// Why a verb failed.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    sentence: String,
    more: Vec<String>,
    /// The server's own words, for scripts.
    problem: Option<Box<Problem>>,
}

/// What a verb gives back.
pub(super) type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure with its exit code.
    pub(super) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, sentence: sentence.into(), more: Vec::new(), problem: None }
    }

    /// Something did not work.
    pub(super) fn failed(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Failed, sentence)
    }

    /// The command line asks for what cannot be.
    pub(super) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(Exit::Usage, sentence)
    }

    /// There is no such thing, or more than one.
    pub(super) fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, sentence)
    }

    /// With lines that follow the sentence.
    pub(super) fn with(mut self, more: Vec<String>) -> Self {
        self.more = more;
        self
    }

    /// The sentence alone.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Tells it on standard error: a sentence for people, or the problem as one
    /// JSON document for scripts.
    pub(super) fn tell(&self, as_json: bool) -> Exit {
        if as_json {
            let told = match &self.problem {
                Some(problem) => serde_json::to_string(problem),
                None => serde_json::to_string(&serde_json::json!({ "code": self.exit.word(), "detail": self.sentence, "more": self.more })),
            };
            output::note(&json_for_screen(&told.unwrap_or_default()));
            return self.exit;
        }
        let mut text = format!("countertop: {}", for_screen(&self.sentence));
        for line in &self.more {
            text.push('\n');
            text.push_str(&for_screen(line));
        }
        output::note(&text);
        self.exit
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Mistakes(mistakes) => mistaken(&mistakes),
            ConfigError::Unreadable { .. } => Self::failed(error.to_string()),
        }
    }
}

/// All mistakes of a configuration; a wrong flag is wrong usage.
pub(super) fn mistaken(mistakes: &[Mistake]) -> Failure {
    let by_flag = mistakes.iter().all(|mistake| mistake.place.starts_with("--"));
    let mut told = mistakes.iter().map(ToString::to_string);
    let sentence = told.next().unwrap_or_default();
    Failure::new(if by_flag { Exit::Usage } else { Exit::Failed }, sentence).with(told.collect())
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error.to_string())
    }
}

#[cfg(feature = "client")]
mod of_client {
    use super::{Exit, Failure};
    use crate::api::problem::Problem;
    use crate::client::ClientError;
    use crate::client::credentials::CredentialsError;

    impl From<ClientError> for Failure {
        fn from(error: ClientError) -> Self {
            let exit = match &error {
                ClientError::Refused(problem) => return refused(problem),
                ClientError::Unreachable { .. } | ClientError::Busy { .. } | ClientError::Untrusted { .. } => Exit::Unreachable,
                ClientError::Strange { .. } => Exit::Failed,
                ClientError::Address(_) | ClientError::PlainHttp(_) => Exit::Usage,
            };
            Self::new(exit, error.to_string())
        }
    }

    fn refused(problem: &Problem) -> Failure {
        let exit = match problem.status {
            403 => Exit::Role,
            404 => Exit::NotFound,
            409 | 412 | 413 | 422 => Exit::Value,
            _ => Exit::Failed,
        };
        let sentence = match (problem.status, &problem.request_id) {
            // A wrong password needs no other advice.
            (401, _) if problem.code != "session.refused" => "nobody is signed in, or the session has ended: sign in with `countertop login`".to_owned(),
            (500.., Some(id)) => format!("{} (request {id})", problem.detail),
            _ if problem.code.ends_with(".duplicate") => format!("{} Here: --confirm-duplicate.", problem.detail),
            _ => problem.detail.clone(),
        };
        Failure { problem: Some(Box::new(problem.clone())), ..Failure::new(exit, sentence) }
    }

    impl From<CredentialsError> for Failure {
        fn from(error: CredentialsError) -> Self {
            Self::failed(error.to_string())
        }
    }
}

#[cfg(feature = "server")]
mod of_server {
    use super::Failure;
    use crate::server::password::PasswordError;
    use crate::server::{MailSettingsError, ServeError, SetupFault, TlsError};
    use crate::store::StoreError;

    impl From<StoreError> for Failure {
        fn from(error: StoreError) -> Self {
            match error {
                StoreError::Address(_) => Self::usage(error.to_string()),
                other => Self::failed(other.to_string()),
            }
        }
    }

    impl From<ServeError> for Failure {
        fn from(error: ServeError) -> Self {
            match error {
                ServeError::Store(error) => error.into(),
                other => Self::failed(other.to_string()),
            }
        }
    }

    impl From<TlsError> for Failure {
        fn from(error: TlsError) -> Self {
            Self::failed(error.to_string())
        }
    }

    impl From<MailSettingsError> for Failure {
        fn from(error: MailSettingsError) -> Self {
            Self::failed(error.to_string())
        }
    }

    impl From<SetupFault> for Failure {
        fn from(error: SetupFault) -> Self {
            Self::failed(error.to_string())
        }
    }

    impl From<PasswordError> for Failure {
        fn from(error: PasswordError) -> Self {
            Self::new(super::Exit::Value, error.to_string())
        }
    }
}

#[cfg(all(test, feature = "client"))]
mod tests {
    use super::*;
    use crate::client::ClientError;

    #[test]
    fn refusals_become_exit_codes() {
        let exit = |status| Failure::from(ClientError::Refused(Problem::with_status(status, "a.code", "Title", "detail"))).exit;
        assert_eq!(
            [401, 403, 404, 409, 412, 413, 422, 500].map(exit),
            [Exit::Failed, Exit::Role, Exit::NotFound, Exit::Value, Exit::Value, Exit::Value, Exit::Value, Exit::Failed]
        );
        let unreachable = ClientError::Unreachable { server: "http://nowhere".to_owned(), cause: "no route".to_owned() };
        assert_eq!(Failure::from(unreachable).exit, Exit::Unreachable);
    }

    #[test]
    fn an_ended_session_says_how_to_sign_in() {
        let told = |code| Failure::from(ClientError::Refused(Problem::new(code, "detail"))).sentence;
        assert!(told("session.required").contains("countertop login"));
        assert_eq!(told("session.refused"), "detail");
    }
}
