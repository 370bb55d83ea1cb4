//! The demonstration's calendar: somebody is there at any hour, and some places are taken.

use std::time::Duration;

use crate::domain::appointment::roster::ExceptionKind;
use crate::domain::identity::{DocumentKind, Phone};
use crate::domain::people::{Relation, Sex};
use crate::domain::permission::HolderAct;
use crate::protocol::booking::BookingRequest;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::IdentityRequest;
use crate::services::Services;
use crate::services::hospital::seed::DEMO_TCM_LINK;
use crate::services::identity::codes::clinic_of_link;
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::ExceptionRow;

/// Slots of the demonstration begin on the half hour.
const STEP: i64 = 30;
/// Whoever looks finds so many minutes ahead of the present half hour.
const AHEAD: i64 = 90;
/// A day in minutes.
const DAY: i64 = 24 * 60;
/// The first hours are left to whoever tries it.
const LEFT_FREE: Duration = Duration::from_hours(3);
/// So many days are filled, every third slot of each.
const FILLED_DAYS: usize = 4;
/// Telephones by which people book, the last of the numbers that nobody else in a demonstration has.
const PHONES: std::ops::RangeInclusive<u32> = 9994..=9998;
/// People who book, a small family for each telephone.
const PEOPLE: usize = 15;

impl Services {
    /// Whoever tries a demonstration does so at any hour: a doctor who is not there now stays for a few hours today.
    pub async fn be_there_now(&self) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let mut seen = Vec::new();
        for row in work.tx.rosters().all().await? {
            if seen.contains(&row.doctor_id) {
                continue;
            }
            seen.push(row.doctor_id);
            let clinic = work.tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
            let today = day_at(&clinic, work.now)?;
            let minute = i64::try_from(work.now.since(today.began_at).as_secs() / 60).unwrap_or(0) / STEP * STEP;
            let blocks = work.tx.rosters().of_doctor(row.doctor_id).await?;
            if blocks.iter().any(|block| block.from_minute <= minute && minute + AHEAD <= block.to_minute) {
                continue;
            }
            let mut extra = vec![(today.date, minute, (minute + AHEAD).min(DAY))];
            if let Ok(tomorrow) = today.date.tomorrow()
                && minute + AHEAD > DAY
            {
                extra.push((tomorrow, 0, minute + AHEAD - DAY));
            }
            for (day, from_minute, to_minute) in extra {
                let kind = ExceptionKind::Extra;
                let day = day.to_string();
                let made_at = work.now;
                let row = ExceptionRow { roster_id: row.id, day, kind, from_minute, to_minute, made_by: None, made_at };
                work.tx.rosters().except(&row).await?;
            }
            self.replan(&mut work, &row, &clinic).await?;
        }
        work.commit().await
    }

    /// Some places of the next days are taken by people who do not exist, so that a calendar shows free and taken. Does
    /// nothing where somebody has an appointment.
    pub async fn take_some_places(&self) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let clinic = clinic_of_link(&mut work.tx, DEMO_TCM_LINK).await?;
        let (institution, now) = (clinic.institution_id, work.now);
        if !work.tx.appointments().to_come(institution, now).await?.is_empty() {
            return Ok(());
        }
        let mut acts = Vec::new();
        for n in PHONES {
            let phone = Phone::mobile(&format!("1400000{n}")).map_err(|error| Refusal::internal(&error))?;
            let index = self.vault.blind(Field::Phone, phone.reveal());
            let holder = self.find_or_make_holder(&mut work, institution, &phone, index).await?;
            acts.push(HolderAct { holder: holder.id, institution });
        }
        let until = now + Duration::from_hours(24 * 7);
        let mut slots = Vec::new();
        for (day, _) in work.tx.slots().days(clinic.id, now, until, None).await?.into_iter().take(FILLED_DAYS) {
            let open = work.tx.slots().open_on(clinic.id, now + LEFT_FREE, until, None, &day).await?;
            slots.extend(open.into_iter().skip(1).step_by(3));
        }
        work.commit().await?;

        let command = Command { actor: "demo".to_owned(), key: None, hash: Vec::new() };
        let mut people = Vec::new();
        for (n, act) in (1..=PEOPLE).zip(acts.iter().cycle()) {
            let request = IdentityRequest {
                name: format!("演示预约 {n:02}"),
                document: DocumentKind::Passport,
                number: format!("DEMO{n:05}"),
                birth_date: Some(format!("19{}-03-08", 50 + n * 3)),
                sex: Some(if n.is_multiple_of(2) { Sex::Female } else { Sex::Male }),
                relation: Relation::Carer,
            };
            people.push((*act, self.name_patient(*act, request, &command).await?.id));
        }
        let seats = slots.iter().flat_map(|slot| (0..slot.capacity).map(move |_| slot.id));
        for (slot, (act, patient)) in seats.zip(people.iter().cycle()) {
            match self.book(*act, BookingRequest { slot, patient: *patient, zone: None }, &command).await {
                Err(refusal) if refusal.code == ErrorCode::AppointmentTooMany => break,
                booked => booked?,
            };
        }
        Ok(())
    }
}
