//! Jobs over many rows: one that is broken keeps no other from its turn.

use std::fmt::Display;

use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;

/// Tells and counts a row that a job could not do; the next round tries it again.
///
/// # Errors
/// With the refusal itself where the database is away: that is no row's fault, and no other will fare better.
pub(crate) fn leave(job: &'static str, row: &impl Display, refusal: Refusal) -> Result<(), Refusal> {
    if refusal.code == ErrorCode::Unavailable {
        return Err(refusal);
    }
    tracing::error!(job, row = %row, code = refusal.code.as_str(), "a broken row was left");
    metrics::counter!("rows_left_total", "job" => job).increment(1);
    Ok(())
}
