//! Jobs and lists of many rows: one that is broken keeps no other from its turn.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Mutex;

use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;

/// Broken rows that are remembered; when there are more, some are told of again.
const REMEMBERED: usize = 1000;

/// The broken rows that were told of: each once, until it is done, however often it is tried.
#[derive(Default)]
pub(crate) struct Told(Mutex<BTreeSet<(&'static str, String)>>);

impl Told {
    /// Tells of a row that a job could not do, and counts it.
    pub(crate) fn broken(&self, job: &'static str, row: &impl Display, refusal: &Refusal) {
        metrics::counter!("rows_left_total", "job" => job).increment(1);
        let mut told = self.0.lock().expect("no holder of this lock panics");
        if told.len() >= REMEMBERED {
            told.clear();
        }
        if told.insert((job, row.to_string())) {
            tracing::error!(job, row = %row, code = refusal.code.as_str(), "a broken row was left; trying on");
        }
    }

    /// What was read of a row of a list; nothing of a broken one, which is told of and hides no other.
    ///
    /// # Errors
    /// With the refusal itself where the database is away: that is no row's fault, and no other will fare better.
    pub(crate) fn readable<T>(
        &self,
        list: &'static str,
        row: &impl Display,
        read: Result<T, Refusal>,
    ) -> Result<Option<T>, Refusal> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(refusal) if refusal.code == ErrorCode::Unavailable => Err(refusal),
            Err(refusal) => {
                self.broken(list, row, &refusal);
                Ok(None)
            }
        }
    }

    /// It is done after all.
    fn done(&self, job: &'static str, row: &impl Display) {
        let mut told = self.0.lock().expect("no holder of this lock panics");
        if !told.is_empty() {
            told.remove(&(job, row.to_string()));
        }
    }
}

/// A job's way through what is due, page after page, until one is not full. What stays due stands first for ever: whoever
/// comes after is looked for behind it.
pub(crate) struct Pages<'a> {
    told: &'a Told,
    job: &'static str,
    page: i64,
    stay: i64,
    is_over: bool,
    /// How many were done.
    pub done: usize,
}

impl Services {
    /// The pages of a job, each of at most so many rows.
    pub(crate) fn pages(&self, job: &'static str, page: i64) -> Pages<'_> {
        Pages { told: &self.told, job, page, stay: 0, is_over: false, done: 0 }
    }
}

impl Pages<'_> {
    /// How many rows stand before the next page; `None` when there is none.
    pub(crate) fn before(&mut self) -> Option<i64> {
        // A page that was not counted is the last.
        let is_over = std::mem::replace(&mut self.is_over, true);
        (!is_over).then_some(self.stay)
    }

    /// So many rows are on this page.
    pub(crate) fn found(&mut self, rows: usize) {
        self.is_over = i64::try_from(rows).is_ok_and(|rows| rows < self.page);
    }

    /// What became of a row: `true` when it is due no longer.
    ///
    /// # Errors
    /// With the refusal itself where the database is away: that is no row's fault, and no other will fare better.
    pub(crate) fn heard(&mut self, row: &impl Display, outcome: Result<bool, Refusal>) -> Result<(), Refusal> {
        match outcome {
            Ok(true) => {
                self.done += 1;
                self.told.done(self.job, row);
            }
            Ok(false) => self.stay += 1,
            Err(refusal) if refusal.code == ErrorCode::Unavailable => return Err(refusal),
            Err(refusal) => {
                self.told.broken(self.job, row, &refusal);
                self.stay += 1;
            }
        }
        Ok(())
    }
}

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
