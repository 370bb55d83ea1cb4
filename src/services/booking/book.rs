//! Booking, moving, giving back.

use serde_json::json;

use crate::domain::appointment::reminder::due;
use crate::domain::appointment::{
    AppointmentState, MOST_AHEAD, MOST_OF_HOLDER, NotBookable, Offer, bookable, free_seat, given_back,
};
use crate::domain::date::zone;
use crate::domain::ids::{AppointmentId, ClinicId, HolderId, PatientId, SlotId};
use crate::domain::permission::HolderAct;
use crate::domain::time::Timestamp;
use crate::protocol::booking::{AppointmentView, BookingRequest, MoveRequest};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::booking::slots::next_three;
use crate::services::booking::wishes::{is_kept_for, wish_for};
use crate::services::booking::{Beside, behind, locked, own, stale, view, view_beside};
use crate::services::due::JobKind;
use crate::services::intake::guardians::guarded;
use crate::services::intake::patients::related;
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::services::topics::Topic;
use crate::services::work::{Command, Work};
use crate::store::{AppointmentRow, SlotRow, StoreError, Tx, WishRow};

/// Appointments that have ended stay in the list for a day.
const SHOWN_AFTER: std::time::Duration = std::time::Duration::from_hours(24);

impl Services {
    /// Books a slot for a patient. Who books the same slot for the same patient again has the same appointment.
    pub async fn book(
        &self,
        act: HolderAct,
        request: BookingRequest,
        command: &Command,
    ) -> Result<AppointmentView, Refusal> {
        if request.zone.as_ref().is_some_and(|name| zone(name).is_none()) {
            return Err(Refusal::field(ErrorCode::Invalid, "zone", "a zone of the IANA such as Asia/Shanghai"));
        }
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let now = work.now;
        let related = related(&mut work.tx, act, request.patient).await?;
        work.tx.holders().lock(act.holder).await?;
        work.tx.patients().lock(request.patient).await?;
        if let Some(before) = work.tx.appointments().of_patient(request.slot, request.patient).await? {
            let is_own = before.holder_id == act.holder;
            let known = if is_own { Ok(before) } else { Err(twice()) };
            return view(&mut work.tx, act, &known?, now).await;
        }
        let Taken { slot, seat, wish } = self.take(&mut work, act, request.slot, request.patient, None).await?;
        let clinic = work.tx.clinics().find(slot.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        guarded(&mut work.tx, act, &related.patient, day_at(&clinic, now)?.date).await?;
        let row = AppointmentRow {
            id: self.ids.make(AppointmentId::from_uuid),
            institution_id: slot.institution_id,
            clinic_id: slot.clinic_id,
            slot_id: slot.id,
            seat,
            doctor_id: slot.doctor_id,
            patient_id: request.patient,
            holder_id: act.holder,
            starts_at: slot.starts_at,
            ends_at: slot.ends_at,
            zone: slot.zone.clone(),
            viewer_zone: request.zone,
            state: AppointmentState::Booked,
            version: 1,
            booked_at: now,
            checked_in_at: None,
            ticket_id: None,
            ended_at: None,
        };
        match work.tx.appointments().insert(&row).await {
            Err(StoreError::Conflict) => return Err(twice()),
            other => other?,
        }
        self.remind(&mut work, &row);
        let met = match wish {
            Wished::Kept(wish) => Some(wish),
            Wished::Open(wish) => self.meet_wish(&mut work, wish).await?,
            Wished::Nothing => None,
        };
        let beside = Beside { clinic, slot: slot.clone(), related };
        let view = view_beside(&mut work.tx, act, &row, beside, now).await?;
        work.keep(command, &view).await?;
        self.announce_met(&mut work, met).await?;
        self.announce_appointment(&mut work, &row, "appointment.booked").await?;
        announce_slot(&mut work, &slot).await?;
        work.commit().await?;
        Ok(view)
    }

    /// The appointments of a holder that are still of interest.
    pub async fn appointments(&self, act: HolderAct) -> Result<Vec<AppointmentView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let rows = tx.appointments().of_holder(act.holder, now - SHOWN_AFTER).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows.iter().filter(|row| row.institution_id == act.institution) {
            views.push(view(&mut tx, act, row, now).await?);
        }
        Ok(views)
    }

    /// One of them.
    pub async fn appointment(&self, act: HolderAct, id: AppointmentId) -> Result<AppointmentView, Refusal> {
        let mut tx = self.db.read().await?;
        let row = own(&mut tx, act, id).await?;
        view(&mut tx, act, &row, self.clock.now()).await
    }

    /// Moves an appointment to another slot of the clinic; in the same moment its old place is offered to the first on the
    /// waiting list whom it suits, or is everybody's.
    pub async fn move_appointment(
        &self,
        act: HolderAct,
        id: AppointmentId,
        request: MoveRequest,
        command: &Command,
    ) -> Result<AppointmentView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        // Whoever moves or cancels the same one waits here, and finds what became of it.
        let before = locked(&mut work.tx, act, id).await?;
        if before.slot_id == request.slot {
            return Err(Refusal::field(ErrorCode::Invalid, "slot", "it is there already"));
        }
        if before.version != request.version {
            return Err(behind(&mut work.tx, act, id, work.now).await);
        }
        is_before(&before, work.now)?;
        work.tx.patients().lock(before.patient_id).await?;
        let Taken { slot, seat, wish } =
            self.take(&mut work, act, request.slot, before.patient_id, Some(&before)).await?;
        if slot.clinic_id != before.clinic_id {
            return Err(Refusal::field(ErrorCode::Invalid, "slot", "a slot of the same clinic"));
        }
        let moved = match work.tx.appointments().move_to(id, request.version, &slot, seat).await {
            Err(StoreError::Conflict) => return Err(twice()),
            other => other?,
        };
        let Some(moved) = moved else { return Err(behind(&mut work.tx, act, id, work.now).await) };
        self.remind(&mut work, &moved);
        self.offer_place(&mut work, before.slot_id).await?;
        let view = view(&mut work.tx, act, &moved, work.now).await?;
        work.keep(command, &view).await?;
        self.announce_met(&mut work, wish.kept()).await?;
        self.announce_appointment(&mut work, &moved, "appointment.moved").await?;
        announce_slot(&mut work, &slot).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Gives an appointment back; its place goes on as that of a moved one does. One that has begun was missed, for its place
    /// can go to nobody, unless its doctor is away.
    pub async fn cancel_appointment(
        &self,
        act: HolderAct,
        id: AppointmentId,
        version: i64,
        command: &Command,
    ) -> Result<AppointmentView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let before = locked(&mut work.tx, act, id).await?;
        let slot = work.tx.slots().find(before.slot_id).await?.ok_or_else(Refusal::not_found)?;
        let to = given_back(before.starts_at, slot.state, work.now);
        let row = work.tx.appointments().give_back(id, version, to, work.now).await?;
        let Some(row) = row else { return Err(behind(&mut work.tx, act, id, work.now).await) };
        self.offer_place(&mut work, row.slot_id).await?;
        let view = view(&mut work.tx, act, &row, work.now).await?;
        work.keep(command, &view).await?;
        self.announce_end(&mut work, &row).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Takes a place of a slot for a patient who is held, and finds its seat; `moving` is where the place is now. Who comes
    /// second is told the next three.
    async fn take(
        &self,
        work: &mut Work,
        act: HolderAct,
        id: SlotId,
        patient: PatientId,
        moving: Option<&AppointmentRow>,
    ) -> Result<Taken, Refusal> {
        let now = work.now;
        work.tx.slots().lock(id, moving.map_or(id, |row| row.slot_id)).await?;
        let wanted = work.tx.slots().find(id).await?.filter(|slot| slot.institution_id == act.institution);
        let wanted = wanted.ok_or_else(Refusal::not_found)?;
        fits(work, act, &wanted, patient, moving.map(|row| row.id)).await?;
        let wish = match wish_for(&mut work.tx, &wanted, patient).await? {
            None => Wished::Nothing,
            Some(wish) if is_kept_for(work, &wanted, &wish).await? => Wished::Kept(wish),
            Some(wish) => Wished::Open(wish),
        };
        let taken = match wish {
            Wished::Kept(_) => work.tx.slots().take_offered(id, now).await?,
            Wished::Open(_) | Wished::Nothing => work.tx.slots().take(id, now).await?,
        };
        let Some(slot) = taken else {
            // Read again: what was free a moment ago may be gone.
            let slot = work.tx.slots().find(id).await?.ok_or_else(Refusal::not_found)?;
            let offer =
                Offer { state: slot.state, starts_at: slot.starts_at, capacity: slot.capacity, taken: slot.taken };
            let (code, words) = match bookable(&offer, now) {
                Err(NotBookable::Past) => (ErrorCode::SlotClosed, "it has begun"),
                Err(NotBookable::Closed) => (ErrorCode::SlotClosed, "the doctor is away then"),
                // Whoever gave a place back in between is seen by the next try.
                Err(NotBookable::Full) | Ok(()) => (ErrorCode::SlotTaken, "somebody was faster"),
            };
            let next = next_three(&mut work.tx, slot.clinic_id, slot.doctor_id, slot.starts_at, now).await?;
            return Err(Refusal { next: Some(next), ..Refusal::new(code, words) });
        };
        let seats = work.tx.appointments().seats(slot.id).await?;
        let seat =
            free_seat(&seats, slot.capacity).ok_or_else(|| Refusal::internal("a slot's count and seats differ"))?;
        Ok(Taken { slot, seat, wish })
    }

    /// Reminders of an appointment as it now stands.
    fn remind(&self, work: &mut Work, row: &AppointmentRow) {
        for (kind, at) in due(row.starts_at, work.now) {
            self.later(work, row.institution_id, JobKind::Remind(kind), row.id.as_uuid(), at);
        }
    }
}

/// A place that was taken.
struct Taken {
    slot: SlotRow,
    seat: i64,
    wish: Wished,
}

/// What the patient wishes of the waiting list of the clinic.
enum Wished {
    Nothing,
    /// A place, and not this one.
    Open(WishRow),
    /// This place, which was kept; nobody was told yet that it is met.
    Kept(WishRow),
}

impl Wished {
    fn kept(self) -> Option<WishRow> {
        match self {
            Self::Kept(wish) => Some(wish),
            Self::Open(_) | Self::Nothing => None,
        }
    }
}

/// Whether a patient may have a place in this slot beside those that they have.
async fn fits(
    work: &mut Work,
    act: HolderAct,
    slot: &SlotRow,
    patient: PatientId,
    moving: Option<AppointmentId>,
) -> Result<(), Refusal> {
    if work.tx.appointments().overlaps(patient, slot.starts_at, slot.ends_at, moving).await? {
        let words = "this patient has another appointment at that time";
        return Err(Refusal::new(ErrorCode::AppointmentOverlaps, words));
    }
    // Who moves has no more than before, also who had more when there was no such limit.
    if moving.is_none() && has_many(&mut work.tx, slot.clinic_id, patient, work.now).await? {
        return Err(too_many());
    }
    if moving.is_none() && is_full(&mut work.tx, act.holder, work.now).await? {
        let words = format!("one telephone has at most {MOST_OF_HOLDER} appointments to come; give one back first");
        return Err(Refusal::new(ErrorCode::AppointmentTooMany, words));
    }
    Ok(())
}

pub(super) fn too_many() -> Refusal {
    let words = format!("at most {MOST_AHEAD} appointments to come in one clinic; give one back first");
    Refusal::new(ErrorCode::AppointmentTooMany, words)
}

/// Whether whoever wishes for it could book this slot, were it free.
pub(super) async fn is_free_for(work: &mut Work, slot: &SlotRow, wish: &WishRow) -> Result<bool, Refusal> {
    let meets = work.tx.appointments().overlaps(wish.patient_id, slot.starts_at, slot.ends_at, None).await?;
    Ok(!meets
        && !has_many(&mut work.tx, slot.clinic_id, wish.patient_id, work.now).await?
        && !is_full(&mut work.tx, wish.holder_id, work.now).await?)
}

/// Whether a telephone has as many appointments to come as one may have in all.
pub(super) async fn is_full(tx: &mut Tx, holder: HolderId, now: Timestamp) -> Result<bool, Refusal> {
    Ok(tx.appointments().count_of_holder(holder, now).await? >= MOST_OF_HOLDER)
}

/// Whether a patient has as many appointments after a moment as one may have before one.
pub(super) async fn has_many(
    tx: &mut Tx,
    clinic: ClinicId,
    patient: PatientId,
    after: Timestamp,
) -> Result<bool, Refusal> {
    Ok(tx.appointments().count_ahead(patient, clinic, after).await? >= MOST_AHEAD)
}

/// A patient who is here, or whose time is over, does not move; who is late for a slot that goes on still may.
fn is_before(row: &AppointmentRow, now: Timestamp) -> Result<(), Refusal> {
    if row.state != AppointmentState::Booked {
        return Err(stale());
    }
    if row.ends_at <= now {
        return Err(Refusal::new(ErrorCode::AppointmentTooLate, "its time is over; book anew"));
    }
    Ok(())
}

fn twice() -> Refusal {
    Refusal::new(ErrorCode::AppointmentState, "this patient has a place in this slot")
}

/// Tells staff that a slot has another number of free places.
pub(super) async fn announce_slot(work: &mut Work, slot: &SlotRow) -> Result<(), Refusal> {
    let data = json!({ "slot": slot.id, "free": slot.capacity - slot.taken, "state": slot.state });
    let topic = Topic::Clinic(slot.clinic_id).to_string();
    work.emit(slot.institution_id, topic, "slot.changed", data).await?;
    Ok(())
}
