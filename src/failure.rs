//! What every error a person can meet is made of: what was being done, why it failed,
//! and what to do next.

use std::borrow::Cow;
use std::fmt;

/// An error as it is shown: in the error log of the cockpit, or on stderr by a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was being done, as a gerund phrase: `opening the journal /…/journal.db`.
    pub doing: String,
    /// Why it failed, as one or more sentences or the text of the underlying error.
    pub cause: String,
    /// What to do next; empty only where nothing can be advised.
    pub hint: String,
    /// What kind of end this is for a verb's exit code.
    pub kind: FailureKind,
}

/// How a failure ends a verb. The numbers are the documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Exit code 1.
    Failed = 1,
    /// Usage or configuration error: exit code 2.
    Usage = 2,
    /// A gate is not met: exit code 3.
    Gate = 3,
    /// The configuration is not trusted: exit code 4.
    NotTrusted = 4,
    /// Somebody else holds the lease, or a conflict needs a person: exit code 5.
    Held = 5,
    /// The outcome is unknown: exit code 6.
    Unknown = 6,
}

impl Failure {
    /// Makes a plain failure (exit code 1).
    pub fn new(doing: impl Into<String>, cause: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::of(FailureKind::Failed, doing, cause, hint)
    }

    /// Makes a usage or configuration failure (exit code 2).
    pub fn usage(doing: impl Into<String>, cause: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self::of(FailureKind::Usage, doing, cause, hint)
    }

    /// Makes a failure of any kind.
    pub fn of(
        kind: FailureKind,
        doing: impl Into<String>,
        cause: impl fmt::Display,
        hint: impl Into<String>,
    ) -> Self {
        Self { doing: doing.into(), cause: cause.to_string(), hint: hint.into(), kind }
    }

    /// Why it failed where there is one line for it.
    pub fn in_a_line(&self) -> String {
        self.cause.replacen('\n', ": ", 1).replace('\n', "; ")
    }
}

impl fmt::Display for Failure {
    /// `doing: cause`, and the hint on lines of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.cause.replace('\n', "\n    "))?;
        if !self.hint.is_empty() {
            write!(f, "\n  → {}", self.hint.replace('\n', "\n    "))?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The result of anything that can fail in front of a person.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What kept something that was asked from answering: an address or a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It did not answer in time.
    Timeout,
    /// It refuses connections.
    Refused,
    /// It closed the connection without an answer.
    Reset,
    /// What it answers is not HTTP.
    NotHttp,
    /// There is no trusted connection to it.
    Tls,
    /// It redirects to where it is not followed.
    Redirect,
    /// It broke off in the middle of its answer.
    HalfBody,
    /// Its answer is longer than is read.
    TooLong,
    /// This machine has no network.
    NoNetwork,
    /// No name server answers, and whose fault that is nobody knows.
    NoNameServer,
    /// There is no host of that name.
    NoSuchHost,
    /// There is no way to the host.
    Unreachable,
    /// This machine cannot make such a request: it has no certificates.
    NoClient,
    /// The address is not valid.
    BadAddress,
    /// A header cannot be sent.
    BadRequest,
    /// Something else.
    NoAnswer,
    /// The command did not start.
    NotStarted,
    /// The command was killed by this signal.
    Signal(i32),
    /// The command was started, and its end was not seen.
    Lost,
    /// What is configured cannot be understood.
    Config,
    /// A secret that it is asked with cannot be had.
    NoSecret,
}

impl Fault {
    /// In a word or two: `refused`, `timeout`.
    pub fn headline(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::NotHttp => "not HTTP",
            Self::Tls => "tls",
            Self::Redirect => "redirect",
            Self::HalfBody => "half a body",
            Self::TooLong => "too long",
            Self::NoNetwork => "no network",
            Self::NoNameServer => "no name server",
            Self::NoSuchHost => "no such host",
            Self::Unreachable => "unreachable",
            Self::NoClient => "no client",
            Self::BadAddress => "bad address",
            Self::BadRequest => "bad request",
            Self::NoAnswer => "no answer",
            Self::NotStarted => "did not start",
            Self::Signal(number) => return Cow::Owned(format!("signal {number}")),
            Self::Lost => "lost",
            Self::Config => "config",
            Self::NoSecret => "no secret",
        })
    }

    /// Tells whether it says nothing about what was asked: it lies with this machine, or with what is
    /// configured.
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Self::NoNetwork
                | Self::NoNameServer
                | Self::NoClient
                | Self::BadAddress
                | Self::BadRequest
                | Self::Lost
                | Self::Config
                | Self::NoSecret
                | Self::NotStarted
        )
    }
}
