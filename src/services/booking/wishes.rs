//! The waiting list: a place that is given back is kept for the first whom it suits, for half an hour.
//!
//! While an offer stands its place stays counted as taken, so that nobody else can book it; it goes to the next wish, or
//! back to everybody, when the offer runs out.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::civil::Date;
use serde_json::json;

use crate::domain::appointment::SlotState;
use crate::domain::appointment::waiting_list::{FreePlace, Wish, in_turn};
use crate::domain::date::bounds;
use crate::domain::ids::{ClinicId, InstitutionId, PatientId, SlotId, WishId};
use crate::domain::permission::HolderAct;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::wish::{WishRequest, WishView};
use crate::services::Services;
use crate::services::booking::Names;
use crate::services::booking::book::{announce_slot, has_many, is_free_for, is_full, too_many};
use crate::services::due::JobKind;
use crate::services::identity::codes::clinic_of_link;
use crate::services::intake::guardians::guarded;
use crate::services::intake::patients::related;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, place};
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{SlotRow, StoreError, Tx, WishRow, WishState};

/// How long an offer stands.
const OFFERED: Duration = Duration::from_mins(30);
/// The longest span that one may wait for, in days.
const LONGEST: i32 = 60;
/// The smallest step of time.
const MOMENT: Duration = Duration::from_millis(1);

impl Services {
    /// Puts a patient on the waiting list of a clinic.
    pub async fn wish(&self, act: HolderAct, request: WishRequest, command: &Command) -> Result<WishView, Refusal> {
        let day = |text: &str| text.parse::<Date>().ok();
        let (first, last) = (day(&request.first_day), day(&request.last_day));
        let first = first.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "first_day", "a day such as 2026-03-02"))?;
        let last =
            last.filter(|last| *last >= first && first.until(*last).is_ok_and(|span| span.get_days() <= LONGEST));
        let last =
            last.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "last_day", "a day within 60 after the first"))?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let clinic = clinic_of_link(&mut work.tx, &request.link).await?;
        if clinic.institution_id != act.institution {
            return Err(Refusal::not_found());
        }
        let patient = related(&mut work.tx, act, request.patient).await?.patient;
        guarded(&mut work.tx, act, &patient, day_at(&clinic, work.now)?.date).await?;
        // Of two wishes at once the second finds the first, and replaces it.
        work.tx.patients().lock(request.patient).await?;
        if let Some(doctor) = request.doctor {
            let account = work.tx.accounts().find(doctor).await?.filter(|a| a.institution_id == act.institution);
            account.ok_or_else(|| Refusal::field(ErrorCode::Invalid, "doctor", "no such doctor"))?;
        }
        // Whoever has so many after the last of these days is at the limit on each of them: nothing would ever be offered.
        let over = bounds(&place(&clinic), last).map_or(work.now, |(_, end)| end - MOMENT);
        if has_many(&mut work.tx, clinic.id, request.patient, over).await? {
            return Err(too_many());
        }
        // A second wish of the same patient, however spelt, replaces the first, and with it its place in the list.
        for before in work.tx.wishes().of_card(request.patient, clinic.id).await? {
            if before.holder_id != act.holder {
                return Err(listed());
            }
            self.take_back(&mut work, &before).await?;
        }
        let row = WishRow {
            id: self.ids.make(WishId::from_uuid),
            institution_id: act.institution,
            clinic_id: clinic.id,
            doctor_id: request.doctor,
            patient_id: request.patient,
            holder_id: act.holder,
            first_day: first.to_string(),
            last_day: last.to_string(),
            state: WishState::Waiting,
            slot_id: None,
            offered_until: None,
            made_at: work.now,
            version: 1,
        };
        match work.tx.wishes().insert(&row).await {
            Err(StoreError::Conflict) => return Err(listed()),
            other => other?,
        }
        let view = wish_view(&mut work.tx, &row, work.now).await?;
        work.keep(command, &view).await?;
        self.announce_wish(&mut work, row.institution_id, row.clinic_id, row.id, "wish.made").await?;
        work.commit().await?;
        Ok(view)
    }

    /// The wishes of a holder.
    pub async fn wishes(&self, act: HolderAct) -> Result<Vec<WishView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let rows = tx.wishes().of_holder(act.holder).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            views.push(wish_view(&mut tx, row, now).await?);
        }
        Ok(views)
    }

    /// Takes a wish back; a place that was kept for it goes on.
    pub async fn leave_wish(&self, act: HolderAct, id: WishId, command: &Command) -> Result<WishView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let wish = work.tx.wishes().find(id).await?;
        let wish = wish.filter(|wish| wish.holder_id == act.holder && wish.institution_id == act.institution);
        let wish = wish.ok_or_else(Refusal::not_found)?;
        if matches!(wish.state, WishState::Waiting | WishState::Offered) {
            self.take_back(&mut work, &wish).await?;
        }
        let wish = work.tx.wishes().find(id).await?.ok_or_else(Refusal::not_found)?;
        let view = wish_view(&mut work.tx, &wish, work.now).await?;
        work.keep(command, &view).await?;
        work.commit().await?;
        Ok(view)
    }

    /// A place became free: it is kept for the first whom it suits, or given back to everybody.
    pub(super) async fn offer_place(&self, work: &mut Work, slot: SlotId) -> Result<(), Refusal> {
        // A slot is held before its wishes, always: whoever books it does the same.
        work.tx.slots().lock(slot, slot).await?;
        let slot = work.tx.slots().find(slot).await?.ok_or_else(Refusal::not_found)?;
        let until = work.now + OFFERED;
        if slot.state == SlotState::Open && slot.starts_at > until {
            let mut rows = work.tx.wishes().waiting(slot.clinic_id).await?;
            // Or one telephone with many patients would keep it from everybody, half an hour each.
            let passed: HashSet<_> = work.tx.wishes().passed(slot.id).await?.into_iter().collect();
            rows.retain(|row| !passed.contains(&row.holder_id));
            for row in suited(rows, &slot) {
                // A place that somebody could not take is kept from nobody.
                if !is_free_for(work, &slot, &row).await?
                    || !work.tx.wishes().turn(&row, WishState::Offered, Some(slot.id), Some(until)).await?
                {
                    continue;
                }
                let (institution, id) = (row.institution_id, row.id.as_uuid());
                self.later(work, institution, JobKind::Offer, id, work.now);
                self.later(work, institution, JobKind::OfferEnds, id, until);
                return self.announce_wish(work, institution, row.clinic_id, row.id, "wish.offered").await;
            }
        }
        work.tx.slots().give_back(slot.id).await?;
        let slot = work.tx.slots().find(slot.id).await?.ok_or_else(Refusal::not_found)?;
        announce_slot(work, &slot).await
    }

    /// The doctor of a slot is away: those for whom a place in it was kept wait on where they stood, and are told. Whoever
    /// calls has the slot until the commit.
    pub(super) async fn withdraw_offers(&self, work: &mut Work, slot: SlotId) -> Result<(), Refusal> {
        for wish in work.tx.wishes().offered(slot).await? {
            // The slot stays named: the message says which place is meant.
            if work.tx.wishes().turn(&wish, WishState::Waiting, wish.slot_id, None).await? {
                work.tx.slots().give_back(slot).await?;
                self.later(work, wish.institution_id, JobKind::OfferOff, wish.id.as_uuid(), work.now);
                self.announce_wish(work, wish.institution_id, wish.clinic_id, wish.id, "wish.waiting").await?;
            }
        }
        Ok(())
    }

    /// The patient booked without an offer: the wish is met. A place elsewhere that was kept for it goes on by a job: who
    /// takes one slot never waits for another.
    pub(super) async fn meet_wish(&self, work: &mut Work, wish: WishRow) -> Result<Option<WishRow>, Refusal> {
        let mut wish = wish;
        if !work.tx.wishes().turn(&wish, WishState::Met, kept(&wish), None).await? {
            // A place was offered to it since it was read, or it was given up.
            let Some(newer) = work.tx.wishes().find(wish.id).await? else { return Ok(None) };
            if !work.tx.wishes().turn(&newer, WishState::Met, kept(&newer), None).await? {
                return Ok(None);
            }
            wish = newer;
        }
        if wish.state == WishState::Offered {
            self.later(work, wish.institution_id, JobKind::OfferPasses, wish.id.as_uuid(), work.now);
        }
        Ok(Some(wish))
    }

    /// Tells of a wish that was met; after everything was taken that somebody else may have in hand.
    pub(super) async fn announce_met(&self, work: &mut Work, wish: Option<WishRow>) -> Result<(), Refusal> {
        match wish {
            Some(wish) => self.announce_wish(work, wish.institution_id, wish.clinic_id, wish.id, "wish.met").await,
            None => Ok(()),
        }
    }

    /// The place goes on that was kept for a wish which was met elsewhere.
    pub(crate) async fn pass_offer(&self, work: &mut Work, id: WishId) -> Result<(), Refusal> {
        let wish = work.tx.wishes().find(id).await?;
        match wish.filter(|wish| wish.state == WishState::Met).and_then(|wish| wish.slot_id) {
            Some(slot) => self.offer_place(work, slot).await,
            None => Ok(()),
        }
    }

    /// An offer that nobody took; whether this ended it.
    pub(crate) async fn end_offer(&self, work: &mut Work, id: WishId) -> Result<bool, Refusal> {
        let Some(wish) = work.tx.wishes().find(id).await? else { return Ok(false) };
        let is_over = wish.offered_until.is_some_and(|until| until <= work.now);
        if wish.state != WishState::Offered || !is_over {
            return Ok(false);
        }
        self.take_back(work, &wish).await
    }

    /// Whether it was there to be taken back.
    async fn take_back(&self, work: &mut Work, wish: &WishRow) -> Result<bool, Refusal> {
        let kept = kept(wish);
        if let Some(slot) = kept {
            work.tx.slots().lock(slot, slot).await?;
        }
        if !work.tx.wishes().turn(wish, WishState::Left, kept, None).await? {
            return Ok(false);
        }
        if let Some(slot) = kept {
            self.offer_place(work, slot).await?;
        }
        // The clinic's topic is taken last: whoever has it waits for no wish.
        self.announce_wish(work, wish.institution_id, wish.clinic_id, wish.id, "wish.left").await?;
        Ok(true)
    }

    /// Tells staff and its holder of a wish that moved.
    async fn announce_wish(
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

/// The slot in which a place is kept for a wish now.
fn kept(wish: &WishRow) -> Option<SlotId> {
    wish.slot_id.filter(|_| wish.state == WishState::Offered)
}

/// The live wish of whoever wants a slot: the one for which a place in it is kept, where there is one.
pub(super) async fn wish_for(tx: &mut Tx, slot: &SlotRow, patient: PatientId) -> Result<Option<WishRow>, Refusal> {
    let wishes = tx.wishes().of_card(patient, slot.clinic_id).await?;
    Ok(wishes.into_iter().max_by_key(|wish| kept(wish) == Some(slot.id)))
}

/// Whether a place in this slot is kept for a patient's wish; it is met with this. The place is counted as taken already.
pub(super) async fn is_kept_for(work: &mut Work, slot: &SlotRow, wish: &WishRow) -> Result<bool, Refusal> {
    if kept(wish) != Some(slot.id) || wish.offered_until.is_none_or(|until| until <= work.now) {
        return Ok(false);
    }
    // The offer is over with this: nobody can use it twice.
    Ok(work.tx.wishes().turn(wish, WishState::Met, Some(slot.id), None).await?)
}

/// Those of these wishes that a place in a slot suits, in their turn.
fn suited(rows: Vec<WishRow>, slot: &SlotRow) -> Vec<WishRow> {
    let Ok(day) = slot.day.parse() else { return Vec::new() };
    let wishes: Vec<Wish> = rows.iter().filter_map(as_wish).collect();
    let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    let place = FreePlace { doctor: slot.doctor_id, day };
    in_turn(&wishes, &place).into_iter().filter_map(|wish| rows.remove(&wish.id)).collect()
}

/// A kept wish, as the domain knows it. One that does not read is told of and passed by: whoever gave the place back cannot
/// mend it.
fn as_wish(row: &WishRow) -> Option<Wish> {
    let (Ok(first_day), Ok(last_day)) = (row.first_day.parse(), row.last_day.parse()) else {
        tracing::error!(wish.id = %row.id, "a kept wish makes no sense");
        return None;
    };
    Some(Wish { id: row.id, doctor: row.doctor_id, first_day, last_day, made_at: row.made_at })
}

fn listed() -> Refusal {
    Refusal::new(ErrorCode::AppointmentState, "this patient is on the list already")
}

async fn wish_view(tx: &mut Tx, row: &WishRow, now: Timestamp) -> Result<WishView, Refusal> {
    let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
    let slot = match row.slot_id.filter(|_| row.state == WishState::Offered) {
        Some(slot) => {
            let slot = tx.slots().find(slot).await?.ok_or_else(Refusal::not_found)?;
            Names::default().slots(tx, &[slot]).await?.pop()
        }
        None => None,
    };
    Ok(WishView {
        id: row.id,
        state: row.state,
        clinic: clinic.id,
        clinic_name: Text::new(clinic.name_zh, clinic.name_en),
        link: clinic.link_token,
        patient: row.patient_id,
        doctor: row.doctor_id,
        first_day: row.first_day.clone(),
        last_day: row.last_day.clone(),
        offered: slot,
        offered_until: row.offered_until,
        at_limit: has_many(tx, row.clinic_id, row.patient_id, now).await? || is_full(tx, row.holder_id, now).await?,
    })
}
