//! What is due: jobs that were left for later, each done once, and tried again where it fails.

use std::time::Duration;

use futures_util::future::join_all;
use uuid::Uuid;

use crate::domain::appointment::reminder::ReminderKind;
use crate::domain::ids::{InstitutionId, JobId, WishId};
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sms::SmsError;
use crate::services::work::Work;
use crate::store::{ATTEMPTS, JobRow};

/// Jobs that one round does.
const BATCH: i64 = 20;
/// So long a job that is done is remembered: longer than any is due again.
const KEPT: Duration = Duration::from_hours(24 * 7);

/// After the first try of a text message that did not leave.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// After the later ones, and where nobody knows what to do: another version of the server may, and is started meanwhile.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// What is to be done. Its words are kept in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// Reminds of an appointment, or of one's turn.
    Remind(ReminderKind),
    /// Tells a patient that the doctor is away at the time that was booked.
    SlotOff,
    /// Tells somebody on the waiting list that a place is kept for them.
    Offer,
    /// Ends such an offer.
    OfferEnds,
    /// Lets the place of such an offer go on whose patient booked another.
    OfferPasses,
    /// Tells that the doctor of such a place is away.
    OfferOff,
}

impl JobKind {
    /// Every kind.
    const ALL: [Self; 9] = [
        Self::Remind(ReminderKind::Day),
        Self::Remind(ReminderKind::Hour),
        Self::Remind(ReminderKind::TenMinutes),
        Self::Remind(ReminderKind::NearTurn),
        Self::SlotOff,
        Self::Offer,
        Self::OfferEnds,
        Self::OfferPasses,
        Self::OfferOff,
    ];

    /// The word in the database, and of the message in the outbox.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Remind(kind) => kind.job(),
            Self::SlotOff => "slot_off",
            Self::Offer => "offer",
            Self::OfferEnds => "offer_ends",
            Self::OfferPasses => "offer_passes",
            Self::OfferOff => "offer_off",
        }
    }

    /// The kind of a word, if it is one.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl Services {
    /// Has something done later, once.
    pub(crate) fn later(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        kind: JobKind,
        subject: Uuid,
        run_at: Timestamp,
    ) {
        work.later(JobRow {
            id: self.ids.make(JobId::from_uuid),
            institution_id: institution,
            kind: kind.as_str().to_owned(),
            subject_id: subject,
            run_at,
            attempts: 0,
        });
    }

    /// Does what is due, and ends appointments whose time is over; how many jobs were done. One round of a process at a
    /// time: a claim ends by the clock, and a clock that leaps would have the next round say again what is on its way.
    pub async fn run_jobs(&self) -> Result<usize, Refusal> {
        let _alone = self.rounds.lock().await;
        let now = self.clock.now();
        let mut work = self.begin().await?;
        let due = work.tx.jobs().claim(now, BATCH).await?;
        work.commit().await?;
        // Together: a gateway that hangs costs its patience once, not once a message.
        let tried = join_all(due.iter().map(|job| async move { (job, self.run_job(job, now).await) })).await;
        let mut done = 0;
        for (job, outcome) in tried {
            match outcome {
                Ok(is_done) => done += usize::from(is_done),
                // What fails is claimed again when its claim runs out.
                Err(refusal) => {
                    tracing::error!(job.id = %job.id, kind = job.kind, code = refusal.code.as_str(), "a job failed");
                }
            }
        }
        // Neither waits for the other where that fails.
        let (missed, settled) = (self.miss_appointments().await, self.settle_appointments().await);
        missed.and(settled)?;
        Ok(done)
    }

    /// Forgets the jobs that were done long ago.
    pub async fn forget_jobs(&self) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let before = work.now - KEPT;
        work.tx.jobs().forget(before).await?;
        work.commit().await
    }

    /// Whether a job is done. What it changes is changed once; what it tells is told at least once, for it is not done
    /// before the message has left.
    async fn run_job(&self, job: &JobRow, claimed_at: Timestamp) -> Result<bool, Refusal> {
        let Some(kind) = JobKind::from_word(&job.kind) else {
            tracing::error!(job.id = %job.id, kind = job.kind, "nobody knows this kind of job: it stays");
            self.put_off(job, claimed_at + LONGEST_PAUSE).await?;
            return Ok(false);
        };
        // Nobody's row is held while a gateway thinks.
        let message = self.message_of(kind, job).await?;
        if let Some(message) = &message
            && let Err(error) = self.sms.send(message, claimed_at).await
        {
            tell_of(job, &error);
            self.put_off(job, claimed_at + pause_after(job.attempts)).await?;
            return Ok(false);
        }
        let mut work = self.begin().await?;
        if !work.tx.jobs().finish(job.id, work.now).await? {
            return Ok(false);
        }
        match kind {
            JobKind::OfferEnds => {
                self.end_offer(&mut work, WishId::from_uuid(job.subject_id)).await?;
            }
            JobKind::OfferPasses => self.pass_offer(&mut work, WishId::from_uuid(job.subject_id)).await?,
            JobKind::Remind(kind) => self.announce_reminder(&mut work, kind, job).await?,
            JobKind::SlotOff | JobKind::Offer | JobKind::OfferOff => {}
        }
        work.commit().await?;
        Ok(true)
    }

    async fn put_off(&self, job: &JobRow, until: Timestamp) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        work.tx.jobs().put_off(job, until).await?;
        work.commit().await
    }
}

/// A message that did not leave is tried again after ever longer pauses; the last try is the last word.
fn tell_of(job: &JobRow, error: &SmsError) {
    if job.attempts >= ATTEMPTS {
        tracing::error!(job.id = %job.id, kind = job.kind, cause = %error, "a text message never left: given up");
    } else {
        tracing::warn!(job.id = %job.id, kind = job.kind, cause = %error, "a text message did not leave; trying again later");
    }
}

/// So long after a try that failed the next one comes: 15 seconds, and twice as long each time, but never more than half
/// an hour. An offer lasts as long.
fn pause_after(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(7);
    (FIRST_PAUSE * 2_u32.pow(doubled)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LASTING;

    #[test]
    fn what_lets_a_place_go_on_is_tried_for_ever() {
        assert_eq!(LASTING, [JobKind::OfferEnds, JobKind::OfferPasses].map(JobKind::as_str));
    }

    #[test]
    fn a_message_that_does_not_leave_is_tried_ever_more_rarely_and_often_within_an_offer() {
        let pauses: Vec<u64> = (1..ATTEMPTS).map(|attempts| pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
    }

    #[test]
    fn a_kind_is_read_from_its_own_word_and_from_no_other() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::from_word(kind.as_str()), Some(kind));
        }
        let timed = ReminderKind::TIMED.into_iter().chain([ReminderKind::NearTurn]);
        assert!(timed.map(JobKind::Remind).all(|kind| JobKind::ALL.contains(&kind)));
        assert_eq!(JobKind::from_word("sing"), None);
    }
}
