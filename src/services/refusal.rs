//! How a use case says no.

use serde::Serialize;
use serde_json::Value;

use crate::protocol::booking::SlotView;
use crate::protocol::error::{ErrorCode, Problem};
use crate::store::StoreError;

/// A use case that was not carried out; nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct Refusal {
    /// The stable code.
    pub code: ErrorCode,
    /// A sentence for a developer; holds no personal datum.
    pub message: String,
    /// The field that is meant.
    pub field: Option<String>,
    /// Seconds to wait.
    pub retry_after: Option<u32>,
    /// Tries left.
    pub remaining: Option<u32>,
    /// What can be had instead.
    pub next: Option<Vec<SlotView>>,
    /// What is there now, for whoever saved an older one.
    pub newer: Option<Box<Value>>,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let (field, retry_after, remaining, next, newer) = (None, None, None, None, None);
        Self { code, message: message.into(), field, retry_after, remaining, next, newer }
    }

    /// A refusal that names a field.
    pub fn field(code: ErrorCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(code, message) }
    }

    /// The same with what is there now: whoever is behind need not ask for it.
    #[must_use]
    pub fn with_newer(self, now: &impl Serialize) -> Self {
        Self { newer: serde_json::to_value(now).ok().map(Box::new), ..self }
    }

    /// An object that is not there, or is not this subject's: the same words for both.
    pub fn not_found() -> Self {
        Self::new(ErrorCode::NotFound, "no such object for this subject")
    }

    /// A fault of ours; the cause is logged here, once, and not told.
    pub fn internal(cause: &(impl std::fmt::Display + ?Sized)) -> Self {
        tracing::error!(cause = %cause, "a use case failed");
        Self::new(ErrorCode::Internal, "the server failed; it was logged")
    }

    /// The body for the wire.
    pub fn problem(&self) -> Problem {
        Problem {
            code: self.code,
            message: self.message.clone(),
            field: self.field.clone(),
            retry_after: self.retry_after,
            remaining: self.remaining,
            next: self.next.clone(),
            newer: self.newer.clone(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let Problem { code, message, field, retry_after, remaining, next, newer } = problem;
        Self { code, message, field, retry_after, remaining, next, newer }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable => {
                Self { retry_after: Some(2), ..Self::new(ErrorCode::Unavailable, "the database cannot be reached") }
            }
            other => Self::internal(&other),
        }
    }
}
