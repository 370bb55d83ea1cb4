//! What time does to appointments: reminders, offers that run out, patients who did not come.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::domain::appointment::check_in::LATE;
use crate::domain::appointment::reminder::{NEAR, ReminderKind, is_of_use};
use crate::domain::appointment::wall::{Shown, shown};
use crate::domain::appointment::{AppointmentState, SlotState};
use crate::domain::ids::{AppointmentId, ClinicId, HolderId, InstitutionId, TicketId, WishId};
use crate::domain::ticket::TicketState;
use crate::domain::time::Timestamp;
use crate::protocol::auth::Locale;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::sms::{Message, SmsError};
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{ATTEMPTS, AppointmentRow, JobRow, Tx, WishState};

/// Jobs that one round does.
const BATCH: i64 = 20;
/// So long a job that is done is remembered: longer than any is due again.
const KEPT: Duration = Duration::from_hours(24 * 7);

/// After the first try of a text message that did not leave.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// After the later ones.
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// Tells a patient that the doctor is away at the time that was booked.
pub(super) const SLOT_OFF: &str = "slot_off";
/// Tells somebody on the waiting list that a place is kept for them.
pub(super) const OFFER: &str = "offer";
/// Ends such an offer.
pub(super) const OFFER_ENDS: &str = "offer_ends";
/// Lets the place of such an offer go on whose patient booked another.
pub(super) const OFFER_PASSES: &str = "offer_passes";

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Soon(ReminderKind),
    NearTurn,
    Off,
    Offer,
}

impl Services {
    /// Does what is due, and ends appointments whose time is over; how many jobs were done.
    pub async fn run_jobs(&self) -> Result<usize, Refusal> {
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
        // Nobody's row is held while a gateway thinks.
        let message = self.message_of(job).await?;
        if let Some(message) = &message
            && let Err(error) = self.sms.send(message, claimed_at).await
        {
            self.put_off(job, claimed_at, &error).await?;
            return Ok(false);
        }
        let mut work = self.begin().await?;
        if !work.tx.jobs().finish(job.id, work.now).await? {
            return Ok(false);
        }
        if job.kind == OFFER_ENDS {
            self.end_offer(&mut work, WishId::from_uuid(job.subject_id)).await?;
        }
        if job.kind == OFFER_PASSES {
            self.pass_offer(&mut work, WishId::from_uuid(job.subject_id)).await?;
        }
        let now = work.now;
        if let Some((_, row)) = due_reminder(&mut work.tx, job, now).await? {
            self.announce_appointment(&mut work, &row, "appointment.reminded").await?;
        }
        work.commit().await?;
        Ok(true)
    }

    /// A message that did not leave is tried again after ever longer pauses; the last try is the last word.
    async fn put_off(&self, job: &JobRow, claimed_at: Timestamp, error: &SmsError) -> Result<(), Refusal> {
        if job.attempts >= ATTEMPTS {
            tracing::error!(job.id = %job.id, kind = job.kind, cause = %error, "a text message never left: given up");
        } else {
            tracing::warn!(job.id = %job.id, kind = job.kind, cause = %error, "a text message did not leave; trying again later");
        }
        let mut work = self.begin().await?;
        work.tx.jobs().put_off(job, claimed_at + pause_after(job.attempts)).await?;
        work.commit().await
    }

    /// What a job tells somebody, if it still has anything to tell.
    async fn message_of(&self, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let (mut tx, now) = (self.db.read().await?, self.clock.now());
        if let Some((kind, row)) = due_reminder(&mut tx, job, now).await? {
            let walls = shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
            let word = Word::Soon(kind);
            return self.compose(&mut tx, row.institution_id, row.holder_id, row.clinic_id, word, &walls).await;
        }
        match job.kind.as_str() {
            SLOT_OFF => self.away(&mut tx, job).await,
            OFFER => self.offer_text(&mut tx, job).await,
            kind if kind == ReminderKind::NearTurn.job() => self.near_turn(&mut tx, job).await,
            kind if kind == OFFER_ENDS || kind == OFFER_PASSES || timed(kind).is_some() => Ok(None),
            kind => {
                tracing::error!(kind, "nobody knows this kind of job");
                Ok(None)
            }
        }
    }

    /// Has those told who are near their turn in a clinic, each once.
    pub(crate) async fn tell_near(&self, work: &mut Work, clinic: ClinicId) -> Result<(), Refusal> {
        let near = work.tx.tickets().order(clinic).await?.into_iter().take(NEAR);
        for (id, _) in near {
            let Some(ticket) = work.tx.tickets().find(id).await? else { continue };
            let kind = ReminderKind::NearTurn.job();
            // The moment of joining names the job: one ticket is told once, whatever moves before it.
            self.later(work, ticket.institution_id, kind, id.as_uuid(), ticket.joined_at).await?;
        }
        Ok(())
    }

    async fn away(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(row) = tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await? else {
            return Ok(None);
        };
        let slot = tx.slots().find(row.slot_id).await?;
        if row.state != AppointmentState::Booked || slot.is_none_or(|slot| slot.state == SlotState::Open) {
            return Ok(None);
        }
        let walls = shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
        self.compose(tx, row.institution_id, row.holder_id, row.clinic_id, Word::Off, &walls).await
    }

    async fn offer_text(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let wish = tx.wishes().find(WishId::from_uuid(job.subject_id)).await?;
        let Some(wish) = wish.filter(|wish| wish.state == WishState::Offered) else { return Ok(None) };
        let Some(slot) = wish.slot_id else { return Ok(None) };
        let Some(slot) = tx.slots().find(slot).await? else { return Ok(None) };
        let walls = shown(slot.starts_at, &slot.zone, None);
        self.compose(tx, wish.institution_id, wish.holder_id, wish.clinic_id, Word::Offer, &walls).await
    }

    async fn near_turn(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(ticket) = tx.tickets().find(TicketId::from_uuid(job.subject_id)).await? else { return Ok(None) };
        // Whoever looks at the page sees it there.
        if ticket.state != TicketState::Waiting || self.live.is_online(ticket.id) {
            return Ok(None);
        }
        let Some(holder) = ticket.holder_id else { return Ok(None) };
        self.compose(tx, ticket.institution_id, holder, ticket.clinic_id, Word::NearTurn, &[]).await
    }

    /// A message to a holder. It names no patient, no clinic and no reason: others read over a shoulder.
    async fn compose(
        &self,
        tx: &mut Tx,
        institution: InstitutionId,
        holder: HolderId,
        clinic: ClinicId,
        word: Word,
        walls: &[Shown],
    ) -> Result<Option<Message>, Refusal> {
        let Some(holder) = tx.holders().find(institution, holder).await? else { return Ok(None) };
        let Ok(to) = self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed) else { return Ok(None) };
        let clinic = tx.clinics().find(clinic).await?.ok_or_else(Refusal::not_found)?;
        let base = self.config.base_url(self.config.http_addr);
        let url = match word {
            Word::Soon(_) | Word::Off => format!("{base}/me/{}/appointments", clinic.link_token),
            Word::Offer => format!("{base}/v/{}/book", clinic.link_token),
            Word::NearTurn => format!("{base}/v/{}", clinic.link_token),
        };
        let kind = match word {
            Word::Soon(kind) => kind.job(),
            Word::NearTurn => ReminderKind::NearTurn.job(),
            Word::Off => SLOT_OFF,
            Word::Offer => OFFER,
        };
        Ok(Some(Message { to, text: words(word, Locale::of(&holder.locale), walls, &url), kind }))
    }

    /// Patients who did not come: the place was kept until ten minutes after the slot.
    async fn miss_appointments(&self) -> Result<(), Refusal> {
        let late = self.clock.now() - LATE;
        let mut pages = self.pages("miss_appointments", BATCH);
        while let Some(before) = pages.before() {
            let overdue = self.db.read().await?.appointments().overdue(late, BATCH, before).await?;
            pages.found(overdue.len());
            for row in overdue {
                let (from, to) = (AppointmentState::Booked, AppointmentState::NoShow);
                let ended = self.end_appointment(row.id, from, to, "appointment.no_show").await;
                pages.heard(&row.id, ended)?;
            }
        }
        Ok(())
    }

    /// Patients who came, and whose tickets are over.
    async fn settle_appointments(&self) -> Result<(), Refusal> {
        let mut pages = self.pages("settle_appointments", BATCH);
        while let Some(before) = pages.before() {
            let settled = self.db.read().await?.appointments().settled(BATCH, before).await?;
            pages.found(settled.len());
            for (id, ended) in settled {
                let was_seen = ended == TicketState::Done;
                let (to, kind) = if was_seen {
                    (AppointmentState::Seen, "appointment.seen")
                } else {
                    (AppointmentState::NoShow, "appointment.no_show")
                };
                pages.heard(&id, self.end_appointment(id, AppointmentState::CheckedIn, to, kind).await)?;
            }
        }
        Ok(())
    }

    async fn end_appointment(
        &self,
        id: AppointmentId,
        from: AppointmentState,
        to: AppointmentState,
        kind: &str,
    ) -> Result<bool, Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        let Some(row) = work.tx.appointments().end(id, from, to, now).await? else { return Ok(false) };
        self.announce_appointment(&mut work, &row, kind).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Tells staff and its holder of a wish that moved.
    pub(super) async fn announce_wish(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        clinic: ClinicId,
        id: WishId,
        kind: &str,
    ) -> Result<(), Refusal> {
        let data = json!({ "wish": id });
        work.emit(institution, Topic::Clinic(clinic).to_string(), kind, data.clone()).await?;
        work.emit(institution, Topic::Wish(id).to_string(), kind, data).await?;
        Ok(())
    }
}

/// The reminder of an appointment that a kind of job is.
fn timed(kind: &str) -> Option<ReminderKind> {
    ReminderKind::TIMED.into_iter().find(|timed| timed.job() == kind)
}

/// The appointment of which a job reminds, if it still is to. One that was moved has reminders of its own; one that was
/// given back, or whose patient is here, has none.
async fn due_reminder(
    tx: &mut Tx,
    job: &JobRow,
    now: Timestamp,
) -> Result<Option<(ReminderKind, AppointmentRow)>, Refusal> {
    let Some(kind) = timed(&job.kind) else { return Ok(None) };
    let row = tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await?;
    let is_due = |row: &AppointmentRow| {
        let is_its = kind.before().is_some_and(|before| row.starts_at - before == job.run_at);
        row.state == AppointmentState::Booked && is_its && is_of_use(row.starts_at, now)
    };
    Ok(row.filter(is_due).map(|row| (kind, row)))
}

/// So long after a try that failed the next one comes: 15 seconds, and twice as long each time, but never more than half
/// an hour. An offer lasts as long.
fn pause_after(attempts: i64) -> Duration {
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(7);
    (FIRST_PAUSE * 2_u32.pow(doubled)).min(LONGEST_PAUSE)
}

fn words(word: Word, locale: Locale, walls: &[Shown], url: &str) -> String {
    let when: Vec<String> = match walls {
        [one] => vec![format!("{} {}", one.day, one.time)],
        several => several.iter().map(|one| format!("{} {} ({})", one.day, one.time, one.zone)).collect(),
    };
    let when = when.join(" = ");
    match (word, locale) {
        (Word::Soon(ReminderKind::Day), Locale::Chinese) => {
            format!("【云诊】提醒：您预约的就诊时间是 {when}。{url} 可查看或改约。")
        }
        (Word::Soon(ReminderKind::Day), Locale::English) => {
            format!("[Yunzhen] Reminder: your appointment is at {when}. See or move it: {url}")
        }
        (Word::Soon(_), Locale::Chinese) => format!("【云诊】您的就诊即将开始：{when}。请打开 {url} 报到。"),
        (Word::Soon(_), Locale::English) => format!("[Yunzhen] Your appointment is at {when}. Please check in: {url}"),
        (Word::NearTurn, Locale::Chinese) => format!("【云诊】快轮到您了。请打开 {url} 等候。"),
        (Word::NearTurn, Locale::English) => {
            format!("[Yunzhen] It is nearly your turn. Please open {url} and stay there.")
        }
        (Word::Off, Locale::Chinese) => format!("【云诊】很抱歉，您预约的 {when} 医生停诊。请打开 {url} 改约。"),
        (Word::Off, Locale::English) => {
            format!("[Yunzhen] We are sorry: the doctor is away at {when}. Please choose another time: {url}")
        }
        (Word::Offer, Locale::Chinese) => format!("【云诊】有空号了：{when}，为您保留30分钟。请打开 {url} 确认。"),
        (Word::Offer, Locale::English) => {
            format!("[Yunzhen] A place is free at {when} and kept for you for 30 minutes. Please confirm: {url}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(zone: &str, day: &str, time: &str) -> Shown {
        Shown { zone: zone.into(), day: day.into(), time: time.into() }
    }

    #[test]
    fn a_message_that_does_not_leave_is_tried_ever_more_rarely_and_often_within_an_offer() {
        let pauses: Vec<u64> = (1..ATTEMPTS).map(|attempts| pause_after(attempts).as_secs()).collect();
        assert_eq!(pauses, [15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
    }

    #[test]
    fn a_message_tells_both_walls_where_they_differ_and_one_where_they_agree() {
        let here = wall("Asia/Shanghai", "2026-03-02", "09:30");
        let there = wall("Europe/Vienna", "2026-03-02", "02:30");
        let told = |walls: &[Shown]| words(Word::Soon(ReminderKind::Hour), Locale::English, walls, "https://x/me");
        assert!(told(std::slice::from_ref(&here)).contains("at 2026-03-02 09:30."));
        assert!(told(&[here, there]).contains("2026-03-02 09:30 (Asia/Shanghai) = 2026-03-02 02:30 (Europe/Vienna)"));
    }

    #[test]
    fn every_message_has_its_link_in_both_languages() {
        let all = ReminderKind::TIMED.into_iter().map(Word::Soon).chain([Word::NearTurn, Word::Off, Word::Offer]);
        for word in all {
            for locale in [Locale::Chinese, Locale::English] {
                assert!(words(word, locale, &[], "https://x/me").contains("https://x/me"), "{word:?}");
            }
        }
    }
}
