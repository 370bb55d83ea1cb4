//! What holders are told by text message of what they booked or wait for.

use crate::domain::appointment::reminder::{ReminderKind, is_of_use};
use crate::domain::appointment::wall::{Shown, shown};
use crate::domain::appointment::{AppointmentState, SlotState};
use crate::domain::ids::{AppointmentId, ClinicId, HolderId, InstitutionId, WishId};
use crate::domain::time::Timestamp;
use crate::protocol::auth::Locale;
use crate::services::Services;
use crate::services::due::JobKind;
use crate::services::refusal::Refusal;
use crate::services::sms::Message;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{AppointmentRow, JobRow, SlotRow, Tx, WishRow, WishState};

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// An appointment is near.
    Soon(ReminderKind),
    /// The turn is near.
    NearTurn,
    /// The doctor is away.
    Off,
    /// A place is kept.
    Offer,
    /// The doctor of that place is away.
    OfferOff,
}

impl Word {
    const fn kind(self) -> JobKind {
        match self {
            Self::Soon(kind) => JobKind::Remind(kind),
            Self::NearTurn => JobKind::Remind(ReminderKind::NearTurn),
            Self::Off => JobKind::SlotOff,
            Self::Offer => JobKind::Offer,
            Self::OfferOff => JobKind::OfferOff,
        }
    }
}

impl Services {
    /// What a job tells somebody, if it still has anything to tell.
    pub(crate) async fn message_of(&self, kind: JobKind, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let (mut tx, now) = (self.db.read().await?, self.clock.now());
        match kind {
            JobKind::Remind(ReminderKind::NearTurn) => self.near_turn(&mut tx, job).await,
            JobKind::Remind(kind) => {
                let Some(row) = due_reminder(&mut tx, kind, job, now).await? else { return Ok(None) };
                self.compose_booked(&mut tx, &row, Word::Soon(kind)).await
            }
            JobKind::SlotOff => self.away(&mut tx, job).await,
            JobKind::Offer => self.of_wish(&mut tx, job, Word::Offer).await,
            JobKind::OfferOff => self.of_wish(&mut tx, job, Word::OfferOff).await,
            JobKind::OfferEnds | JobKind::OfferPasses => Ok(None),
        }
    }

    /// Tells staff that a patient was reminded, unless there was nothing to remind of.
    pub(crate) async fn announce_reminder(
        &self,
        work: &mut Work,
        kind: ReminderKind,
        job: &JobRow,
    ) -> Result<(), Refusal> {
        let now = work.now;
        match due_reminder(&mut work.tx, kind, job, now).await? {
            Some(row) => self.announce_appointment(work, &row, "appointment.reminded").await,
            None => Ok(()),
        }
    }

    async fn away(&self, tx: &mut Tx, job: &JobRow) -> Result<Option<Message>, Refusal> {
        let Some(row) = tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await? else {
            return Ok(None);
        };
        if row.state != AppointmentState::Booked || is_open(tx, &row).await? {
            return Ok(None);
        }
        self.compose_booked(tx, &row, Word::Off).await
    }

    /// A place that is kept while its doctor is there, or was kept and whose doctor went.
    async fn of_wish(&self, tx: &mut Tx, job: &JobRow, word: Word) -> Result<Option<Message>, Refusal> {
        let Some(wish) = tx.wishes().find(WishId::from_uuid(job.subject_id)).await? else { return Ok(None) };
        let Some(slot) = wish.slot_id else { return Ok(None) };
        let Some(slot) = tx.slots().find(slot).await? else { return Ok(None) };
        if !is_so(&wish, &slot, word) {
            return Ok(None);
        }
        let walls = shown(slot.starts_at, &slot.zone, None);
        self.compose(tx, wish.institution_id, wish.holder_id, wish.clinic_id, word, &walls).await
    }

    async fn compose_booked(&self, tx: &mut Tx, row: &AppointmentRow, word: Word) -> Result<Option<Message>, Refusal> {
        let walls = shown(row.starts_at, &row.zone, row.viewer_zone.as_deref());
        self.compose(tx, row.institution_id, row.holder_id, row.clinic_id, word, &walls).await
    }

    /// A message to a holder. It names no patient, no clinic and no reason: others read over a shoulder.
    pub(crate) async fn compose(
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
            Word::Offer | Word::OfferOff => format!("{base}/v/{}/book", clinic.link_token),
            Word::NearTurn => format!("{base}/v/{}", clinic.link_token),
        };
        let text = words(word, Locale::of(&holder.locale), walls, &url);
        Ok(Some(Message { to, text, kind: word.kind().as_str() }))
    }
}

/// Whether the doctor of an appointment is there.
async fn is_open(tx: &mut Tx, row: &AppointmentRow) -> Result<bool, Refusal> {
    Ok(tx.slots().find(row.slot_id).await?.is_none_or(|slot| slot.state == SlotState::Open))
}

/// Whether a wish and its place are as a message says.
fn is_so(wish: &WishRow, slot: &SlotRow, word: Word) -> bool {
    match (wish.state, slot.state) {
        (WishState::Offered, SlotState::Open) => word == Word::Offer,
        (WishState::Waiting, SlotState::Closed) => word == Word::OfferOff,
        _ => false,
    }
}

/// The appointment of which a job reminds, if it still is to. One that was moved has reminders of its own; one that was
/// given back, whose patient is here, or whose doctor is away, has none.
async fn due_reminder(
    tx: &mut Tx,
    kind: ReminderKind,
    job: &JobRow,
    now: Timestamp,
) -> Result<Option<AppointmentRow>, Refusal> {
    let Some(before) = kind.before() else { return Ok(None) };
    let row = tx.appointments().find(AppointmentId::from_uuid(job.subject_id)).await?;
    let is_due = |row: &AppointmentRow| {
        let is_its = row.starts_at - before == job.run_at;
        row.state == AppointmentState::Booked && is_its && is_of_use(row.starts_at, now)
    };
    match row.filter(is_due) {
        Some(row) if is_open(tx, &row).await? => Ok(Some(row)),
        _ => Ok(None),
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
        (Word::OfferOff, Locale::Chinese) => {
            format!("【云诊】很抱歉，为您保留的 {when} 医生停诊。您仍在候补名单上，原来的先后顺序不变：{url}")
        }
        (Word::OfferOff, Locale::English) => {
            format!(
                "[Yunzhen] We are sorry: the doctor is away at {when}, which was kept for you. You are still on the list, where you stood: {url}"
            )
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
        let others = [Word::NearTurn, Word::Off, Word::Offer, Word::OfferOff];
        for word in ReminderKind::TIMED.into_iter().map(Word::Soon).chain(others) {
            for locale in [Locale::Chinese, Locale::English] {
                assert!(words(word, locale, &[], "https://x/me").contains("https://x/me"), "{word:?}");
            }
        }
    }
}
