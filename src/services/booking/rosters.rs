//! Doctors' hours: made, ended and excepted. How they become slots is in [`crate::services::booking::rolling`].

use jiff::civil::Date;

use crate::domain::appointment::roster::{DayPlan, Exception, HORIZON_DAYS, Roster, Weekdays, Wrong, slots_on};
use crate::domain::appointment::wall::WallTime;
use crate::domain::ids::{AccountId, RosterId};
use crate::domain::people::Role;
use crate::domain::permission::AdministratorAct;
use crate::domain::text::Text;
use crate::protocol::error::ErrorCode;
use crate::protocol::roster::{DoctorView, ExceptionView, MissingTime, RosterEnd, RosterRequest, RosterView};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::tickets::{day_at, place};
use crate::services::work::{Command, Work};
use crate::store::{AccountRow, ClinicRow, ExceptionRow, RosterRow, Tx};

fn invalid(field: &str, words: &str) -> Refusal {
    Refusal::field(ErrorCode::RosterInvalid, field, words)
}

impl Services {
    /// The rosters of the institution.
    pub async fn rosters(&self, act: AdministratorAct) -> Result<Vec<RosterView>, Refusal> {
        let mut tx = self.db.read().await?;
        let rows = tx.rosters().of(act.institution).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            views.push(self.roster_view(&mut tx, row).await?);
        }
        Ok(views)
    }

    /// The doctors who can have hours.
    pub async fn doctors(&self, act: AdministratorAct) -> Result<Vec<DoctorView>, Refusal> {
        let rows = self.db.read().await?.accounts().of_role(act.institution, Role::Doctor).await?;
        Ok(rows.into_iter().map(doctor_view).collect())
    }

    /// Makes a roster and its slots.
    pub async fn add_roster(
        &self,
        act: AdministratorAct,
        request: RosterRequest,
        command: &Command,
    ) -> Result<RosterView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let row = self.keep_roster(&mut work, act, &request).await?;
        let row = work.tx.rosters().find(row.id).await?.ok_or_else(Refusal::not_found)?;
        let view = self.roster_view(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "roster.add", &row.id.to_string()).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Keeps a roster that makes sense and meets no other of its doctor.
    pub(super) async fn keep_roster(
        &self,
        work: &mut Work,
        act: AdministratorAct,
        request: &RosterRequest,
    ) -> Result<RosterRow, Refusal> {
        let (clinic, doctor) = named(&mut work.tx, act, request).await?;
        let roster = read(request)?;
        meets_no_other(&mut work.tx, doctor.id, None, &roster, "from").await?;
        let row = RosterRow {
            id: self.ids.make(RosterId::from_uuid),
            institution_id: act.institution,
            clinic_id: clinic.id,
            doctor_id: doctor.id,
            weekdays: i64::from(roster.weekdays.bits()),
            from_minute: i64::from(roster.from.minute()),
            to_minute: i64::from(roster.to.minute()),
            minutes: i64::from(roster.minutes),
            capacity: i64::from(roster.capacity),
            first_day: roster.first_day.to_string(),
            last_day: roster.last_day.map(|day| day.to_string()),
            rolled_to: None,
            created_by: Some(act.account),
            created_at: work.now,
            version: 1,
        };
        work.tx.rosters().insert(&row).await?;
        self.roll(work, &row, &clinic).await?;
        Ok(row)
    }

    /// A day that is not as the week says. Slots that are no more are closed, and whoever booked one is told.
    pub async fn except_roster(
        &self,
        act: AdministratorAct,
        id: RosterId,
        request: ExceptionView,
        command: &Command,
    ) -> Result<RosterView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (row, clinic) = own_roster(&mut work.tx, act, id).await?;
        let today = day_at(&clinic, work.now)?.date;
        let day: Option<Date> = request.day.parse().ok();
        let day = day.filter(|day| *day >= today).ok_or_else(|| invalid("day", "a day from today on"))?;
        let from: WallTime = request.from.parse().map_err(|_| invalid("from", "a time such as 09:00"))?;
        let to: WallTime = request.to.parse().map_err(|_| invalid("to", "a time such as 12:00"))?;
        if from >= to {
            return Err(invalid("to", Wrong::Hours.words()));
        }
        let exception = ExceptionRow {
            roster_id: row.id,
            day: day.to_string(),
            kind: request.kind,
            from_minute: i64::from(from.minute()),
            to_minute: i64::from(to.minute()),
            made_by: Some(act.account),
            made_at: work.now,
        };
        work.tx.rosters().except(&exception).await?;
        self.replan(&mut work, &row, &clinic).await?;
        let view = self.roster_view(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "roster.except", &row.id.to_string()).await?;
        work.commit().await?;
        Ok(view)
    }

    /// Ends a roster with a day; slots after it are closed, and whoever booked one is told.
    pub async fn end_roster(
        &self,
        act: AdministratorAct,
        id: RosterId,
        request: RosterEnd,
        command: &Command,
    ) -> Result<RosterView, Refusal> {
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let (row, clinic) = own_roster(&mut work.tx, act, id).await?;
        let last: Option<Date> = request.last_day.parse().ok();
        let last = last.ok_or_else(|| invalid("last_day", "a day such as 2026-03-31"))?;
        let ended = Roster { last_day: Some(last), ..roster_of(&row)? };
        meets_no_other(&mut work.tx, row.doctor_id, Some(id), &ended, "last_day").await?;
        if !work.tx.rosters().end(id, request.version, &last.to_string()).await? {
            let stale = Refusal::new(ErrorCode::VersionConflict, "the roster was changed; fetch it again");
            return Err(stale.with_newer(&self.roster_view(&mut work.tx, &row).await?));
        }
        let row = RosterRow { last_day: Some(last.to_string()), version: row.version + 1, ..row };
        self.replan(&mut work, &row, &clinic).await?;
        let view = self.roster_view(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        work.audit(act.institution, &act.account.to_string(), "roster.end", &row.id.to_string()).await?;
        work.commit().await?;
        Ok(view)
    }

    pub(super) async fn roster_view(&self, tx: &mut Tx, row: &RosterRow) -> Result<RosterView, Refusal> {
        let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let (doctor_name, _) = staff_name(tx, row.doctor_id).await?;
        let (roster, place) = (roster_of(row)?, place(&clinic));
        let today = day_at(&clinic, self.clock.now())?.date;
        let rows = tx.rosters().exceptions(row.id, &today.to_string()).await?;
        let exceptions = exceptions_of(rows.clone())?;
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok());
        let days = days.take(usize::try_from(HORIZON_DAYS).unwrap_or(0) + 1);
        let missing = days.flat_map(|day| {
            let DayPlan { missing, .. } = slots_on(&roster, &exceptions, day, &place);
            missing.into_iter().map(move |at| MissingTime { day: day.to_string(), time: at.to_string() })
        });
        Ok(RosterView {
            id: row.id,
            clinic: clinic.id,
            missing: missing.collect(),
            clinic_name: Text::new(clinic.name_zh, clinic.name_en),
            zone: clinic.time_zone,
            doctor: row.doctor_id,
            doctor_name,
            weekdays: (1..=7).filter(|n| row.weekdays & (1 << (n - 1)) != 0).map(|n| n.to_string()).collect(),
            from: roster.from.to_string(),
            to: roster.to.to_string(),
            minutes: roster.minutes,
            capacity: roster.capacity,
            first_day: row.first_day.clone(),
            last_day: row.last_day.clone(),
            exceptions: rows.into_iter().map(exception_view).collect(),
            version: row.version,
        })
    }
}

/// The clinic and the doctor that somebody names for hours.
pub(super) async fn named(
    tx: &mut Tx,
    act: AdministratorAct,
    request: &RosterRequest,
) -> Result<(ClinicRow, AccountRow), Refusal> {
    let clinic = tx.clinics().find(request.clinic).await?.filter(|c| c.institution_id == act.institution);
    let clinic = clinic.ok_or_else(|| invalid("clinic", "no such clinic"))?;
    let doctor = tx.accounts().find(request.doctor).await?;
    let doctor = doctor.filter(|d| d.institution_id == act.institution && d.role == Role::Doctor && d.active);
    Ok((clinic, doctor.ok_or_else(|| invalid("doctor", "no such doctor"))?))
}

/// A roster of the institution, held until the end of the transaction, and before it its doctor's hours.
async fn own_roster(tx: &mut Tx, act: AdministratorAct, id: RosterId) -> Result<(RosterRow, ClinicRow), Refusal> {
    let row = tx.rosters().find(id).await?.filter(|row| row.institution_id == act.institution);
    tx.accounts().lock(row.ok_or_else(Refusal::not_found)?.doctor_id).await?;
    let row = tx.rosters().lock(id).await?.ok_or_else(Refusal::not_found)?;
    let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
    Ok((row, clinic))
}

/// Refuses hours that meet others of their doctor. Whoever asks has the doctor's hours until the end of the transaction.
async fn meets_no_other(
    tx: &mut Tx,
    doctor: AccountId,
    own: Option<RosterId>,
    roster: &Roster,
    field: &str,
) -> Result<(), Refusal> {
    tx.accounts().lock(doctor).await?;
    for other in tx.rosters().of_doctor(doctor).await? {
        if own != Some(other.id) && roster.meets(&roster_of(&other)?) {
            return Err(invalid(field, "the doctor has other hours then"));
        }
    }
    Ok(())
}

/// What somebody wrote, as a roster that makes sense.
pub(super) fn read(request: &RosterRequest) -> Result<Roster, Refusal> {
    let day = |field: &str, text: &str| text.parse().map_err(|_| invalid(field, "a day such as 2026-03-02"));
    let roster = Roster {
        weekdays: Weekdays::from_digits(&request.weekdays)
            .ok_or_else(|| invalid("weekdays", "digits from 1 for Monday to 7, each once"))?,
        from: request.from.parse().map_err(|_| invalid("from", "a time such as 09:00"))?,
        to: request.to.parse().map_err(|_| invalid("to", "a time such as 12:00"))?,
        minutes: request.minutes,
        capacity: request.capacity,
        first_day: day("first_day", &request.first_day)?,
        last_day: request.last_day.as_ref().map(|text| day("last_day", text)).transpose()?,
    };
    roster.check().map_err(|wrong| invalid(wrong.field(), wrong.words()))?;
    Ok(roster)
}

fn wall(minute: i64) -> Option<WallTime> {
    WallTime::from_minute(u16::try_from(minute).ok()?)
}

/// A kept roster, as the domain knows it.
pub(super) fn roster_of(row: &RosterRow) -> Result<Roster, Refusal> {
    let read = || {
        Some(Roster {
            weekdays: Weekdays::from_bits(u8::try_from(row.weekdays).ok()?)?,
            from: wall(row.from_minute)?,
            to: wall(row.to_minute)?,
            minutes: u16::try_from(row.minutes).ok()?,
            capacity: u16::try_from(row.capacity).ok()?,
            first_day: row.first_day.parse().ok()?,
            last_day: match &row.last_day {
                Some(day) => Some(day.parse().ok()?),
                None => None,
            },
        })
    };
    read().ok_or_else(|| Refusal::internal("a kept roster makes no sense"))
}

/// A doctor by name and title.
pub(crate) fn doctor_view(row: AccountRow) -> DoctorView {
    DoctorView { id: row.id, name: Text::new(row.name_zh, row.name_en), title: Text::new(row.title_zh, row.title_en) }
}

/// Kept exceptions, as the domain knows them. One that does not read is an error: without it the doctor's day off could be
/// booked.
pub(super) fn exceptions_of(rows: Vec<ExceptionRow>) -> Result<Vec<Exception>, Refusal> {
    let read = |row: ExceptionRow| {
        let (from, to) = (wall(row.from_minute)?, wall(row.to_minute)?);
        Some(Exception { day: row.day.parse().ok()?, kind: row.kind, from, to })
    };
    let exceptions: Option<Vec<Exception>> = rows.into_iter().map(read).collect();
    exceptions.ok_or_else(|| Refusal::internal("a kept exception makes no sense"))
}

fn exception_view(row: ExceptionRow) -> ExceptionView {
    let time = |minute| wall(minute).map_or_else(String::new, |at| at.to_string());
    ExceptionView { from: time(row.from_minute), to: time(row.to_minute), day: row.day, kind: row.kind }
}
