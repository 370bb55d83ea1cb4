//! What of the work that happens later failed by a fault of ours the last time that it was tried. One that breaks ends no
//! other, is tried again in its turn, and is seen in `/readyz` by whoever watches the server.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt as _;

use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;

/// Does it. What breaks in the middle has failed, as what is refused has.
pub async fn unbroken<T>(work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| Err(Refusal::internal("it broke")))
}

/// What failed, and whether patients wait for it.
#[derive(Debug, Default)]
pub struct Ailing(Mutex<BTreeMap<&'static str, bool>>);

impl Ailing {
    /// This was tried. A database that was away is nobody's fault. `is_urgent`: a patient waits for it.
    pub fn heard<T>(&self, what: &'static str, is_urgent: bool, done: &Result<T, Refusal>) {
        let mut failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if done.as_ref().is_err_and(|refusal| refusal.code == ErrorCode::Internal) {
            failed.insert(what, is_urgent);
        } else {
            failed.remove(what);
        }
    }

    /// What failed, and whether a patient waits for something of it.
    pub fn list(&self) -> (Vec<&'static str>, bool) {
        let failed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (failed.keys().copied().collect(), failed.values().any(|is_urgent| *is_urgent))
    }
}
