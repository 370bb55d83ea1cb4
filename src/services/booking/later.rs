//! What time does to appointments: reminders, offers that run out, patients who did not come.

use std::time::Duration;

use serde_json::json;

use crate::domain::appointment::check_in::LATE;
use crate::domain::appointment::reminder::{NEAR, ReminderKind, is_of_use};
use crate::domain::appointment::wall::{Shown, shown};
use crate::domain::appointment::{AppointmentState, SlotState};
use crate::domain::ids::{AppointmentId, ClinicId, HolderId, InstitutionId, TicketId, WishId};
use crate::domain::ticket::TicketState;
use crate::protocol::auth::Locale;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::services::sms::Message;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{JobRow, WishState};

/// Jobs that one round does.
const BATCH: i64 = 20;
/// So long a job that is done is remembered: longer than any is due again.
const KEPT: Duration = Duration::from_hours(24 * 7);

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
        let mut done = 0;
        for job in due {
            // Each in its own transaction, and each once: what fails is claimed again when its claim runs out.
            match self.run_job(&job).await {
                Ok(()) => done += 1,
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

    async fn run_job(&self, job: &JobRow) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        if !work.tx.jobs().finish(job.id, work.now).await? {
            return Ok(());
        }
        let timed = ReminderKind::TIMED.into_iter().find(|kind| kind.job() == job.kind);
        let message = match (timed, job.kind.as_str()) {
            (Some(kind), _) => self.reminder(&mut work, job, kind).await?,
            (None, SLOT_OFF) => self.away(&mut work, job).await?,
            (None, OFFER) => self.offer_text(&mut work, job).await?,
            (None, OFFER_ENDS) => {
                self.end_offer(&mut work, WishId::from_uuid(job.subject_id)).await?;
                None
            }
            (None, OFFER_PASSES) => {
                self.pass_offer(&mut work, WishId::from_uuid(job.subject_id)).await?;
                None
            }
            (None, kind) if kind == ReminderKind::NearTurn.job() => self.near_turn(&mut work, job).await?,
            (None, kind) => {
                tracing::error!(kind, "nobody knows this kind of job");
                None
            }
        };
        work.commit().await?;
        self.send_text(message);
        Ok(())
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

    async fn reminder(&self, work: &mut Work, job: &JobRow, kind: ReminderKind) -> Result<Option<Message>, Refusal> {
        let Some(row) = work.tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await? else {
            return Ok(None);
        };
        // One that was moved has reminders of its own; one that was given back, or whose patient is here, has none.
        let is_its = kind.before().is_some_and(|before| row.starts_at - before == job.run_at);
        if row.state != AppointmentState::Booked || !is_its || !is_of_use(row.starts_at, work.now) {
            return Ok(None);
        }
        self.announce_appointment(work, &row, "appointment.reminded").await?;
        let walls = shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
        self.compose(work, row.institution_id, row.holder_id, row.clinic_id, Word::Soon(kind), &walls).await
    }

    async fn away(&self, work: &mut Work, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(row) = work.tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await? else {
            return Ok(None);
        };
        let slot = work.tx.slots().find(row.slot_id).await?;
        if row.state != AppointmentState::Booked || slot.is_none_or(|slot| slot.state == SlotState::Open) {
            return Ok(None);
        }
        let walls = shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
        self.compose(work, row.institution_id, row.holder_id, row.clinic_id, Word::Off, &walls).await
    }

    async fn offer_text(&self, work: &mut Work, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let wish = work.tx.wishes().find(WishId::from_uuid(job.subject_id)).await?;
        let Some(wish) = wish.filter(|wish| wish.state == WishState::Offered) else { return Ok(None) };
        let Some(slot) = wish.slot_id else { return Ok(None) };
        let Some(slot) = work.tx.slots().find(slot).await? else { return Ok(None) };
        let walls = shown(slot.starts_at, &slot.zone, None);
        self.compose(work, wish.institution_id, wish.holder_id, wish.clinic_id, Word::Offer, &walls).await
    }

    async fn near_turn(&self, work: &mut Work, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(ticket) = work.tx.tickets().find(TicketId::from_uuid(job.subject_id)).await? else { return Ok(None) };
        // Whoever looks at the page sees it there.
        if ticket.state != TicketState::Waiting || self.live.is_online(ticket.id) {
            return Ok(None);
        }
        let Some(holder) = ticket.holder_id else { return Ok(None) };
        self.compose(work, ticket.institution_id, holder, ticket.clinic_id, Word::NearTurn, &[]).await
    }

    /// A message to a holder. It names no patient, no clinic and no reason: others read over a shoulder.
    async fn compose(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        holder: HolderId,
        clinic: ClinicId,
        word: Word,
        walls: &[Shown],
    ) -> Result<Option<Message>, Refusal> {
        let Some(holder) = work.tx.holders().find(institution, holder).await? else { return Ok(None) };
        let Ok(to) = self.open_field(Field::Phone, holder.id.as_uuid(), &holder.phone_sealed) else { return Ok(None) };
        let clinic = work.tx.clinics().find(clinic).await?.ok_or_else(Refusal::not_found)?;
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
        let before = self.clock.now() - LATE;
        let mut broken = 0;
        loop {
            // Those that could not be ended stand first for ever: whoever comes after them is looked for behind them.
            let overdue = self.db.read().await?.appointments().overdue(before, BATCH, broken).await?;
            let was = broken;
            for row in overdue {
                let (from, to) = (AppointmentState::Booked, AppointmentState::NoShow);
                if let Err(refusal) = self.end_appointment(row.id, from, to, "appointment.no_show").await {
                    leave("miss_appointments", &row.id, refusal)?;
                    broken += 1;
                }
            }
            if broken == was {
                return Ok(());
            }
        }
    }

    /// Patients who came, and whose tickets are over.
    async fn settle_appointments(&self) -> Result<(), Refusal> {
        let mut broken = 0;
        loop {
            let settled = self.db.read().await?.appointments().settled(BATCH, broken).await?;
            let was = broken;
            for (id, ended) in settled {
                let was_seen = ended == TicketState::Done;
                let (to, kind) = if was_seen {
                    (AppointmentState::Seen, "appointment.seen")
                } else {
                    (AppointmentState::NoShow, "appointment.no_show")
                };
                if let Err(refusal) = self.end_appointment(id, AppointmentState::CheckedIn, to, kind).await {
                    leave("settle_appointments", &id, refusal)?;
                    broken += 1;
                }
            }
            if broken == was {
                return Ok(());
            }
        }
    }

    async fn end_appointment(
        &self,
        id: AppointmentId,
        from: AppointmentState,
        to: AppointmentState,
        kind: &str,
    ) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        if let Some(row) = work.tx.appointments().end(id, from, to, now).await? {
            self.announce_appointment(&mut work, &row, kind).await?;
            work.commit().await?;
        }
        Ok(())
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
        // In the order of every announcement of booked time: the clinic first.
        work.emit(institution, Topic::Clinic(clinic).to_string(), kind, data.clone()).await?;
        work.emit(institution, Topic::Wish(id).to_string(), kind, data).await?;
        Ok(())
    }
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
