//! Doctors' recurring hours.

use crate::domain::appointment::roster::ExceptionKind;
use crate::domain::ids::{AccountId, ClinicId, InstitutionId, RosterId};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(ExceptionKind);

/// A roster as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RosterRow {
    /// The roster.
    pub id: RosterId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The clinic.
    pub clinic_id: ClinicId,
    /// Whose hours.
    pub doctor_id: AccountId,
    /// A number whose lowest bit is Monday.
    pub weekdays: i64,
    /// From this minute on the clinic's wall.
    pub from_minute: i64,
    /// To this one.
    pub to_minute: i64,
    /// A slot's length.
    pub minutes: i64,
    /// Patients per slot.
    pub capacity: i64,
    /// The first day.
    pub first_day: String,
    /// The last day, where an end is known.
    pub last_day: Option<String>,
    /// Slots are made up to this day.
    pub rolled_to: Option<String>,
    /// Who made it.
    pub created_by: Option<AccountId>,
    /// When.
    pub created_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

/// A day that is not as the week says.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ExceptionRow {
    /// The roster.
    pub roster_id: RosterId,
    /// The day.
    pub day: String,
    /// Away or here.
    pub kind: ExceptionKind,
    /// From this minute on the clinic's wall.
    pub from_minute: i64,
    /// To this one.
    pub to_minute: i64,
    /// Who said so.
    pub made_by: Option<AccountId>,
    /// When.
    pub made_at: Timestamp,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, clinic_id, doctor_id, weekdays, from_minute, to_minute, minutes, capacity,
                    first_day, last_day, rolled_to, created_by, created_at, version
             from roster ",
            $rest
        )
    };
}

/// The `roster` and `roster_exception` tables.
pub struct Rosters<'tx>(pub(super) &'tx mut Tx);

impl Rosters<'_> {
    /// Keeps a roster.
    pub async fn insert(self, row: &RosterRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into roster (id, institution_id, clinic_id, doctor_id, weekdays, from_minute, to_minute, minutes,
                                     capacity, first_day, last_day, rolled_to, created_by, created_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.doctor_id)
            .bind(row.weekdays)
            .bind(row.from_minute)
            .bind(row.to_minute)
            .bind(row.minutes)
            .bind(row.capacity)
            .bind(&row.first_day)
            .bind(&row.last_day)
            .bind(&row.rolled_to)
            .bind(row.created_by)
            .bind(row.created_at)
            .bind(row.version)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A roster by its id.
    pub async fn find(self, id: RosterId) -> Result<Option<RosterRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// The same, locked until the end of the transaction: whoever rolls, ends or excepts it comes one after the other.
    pub async fn lock(self, id: RosterId) -> Result<Option<RosterRow>> {
        Ok(on!(self.0, |conn, dialect| {
            let query = dialect.pick(select!("where id = $1"), select!("where id = $1 for no key update"));
            sqlx::query_as(query).bind(id).fetch_optional(conn).await?
        }))
    }

    /// The rosters of an institution.
    pub async fn of(self, institution: InstitutionId) -> Result<Vec<RosterRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where institution_id = $1 order by clinic_id, doctor_id, from_minute, id"))
                .bind(institution)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The rosters of a doctor, in whatever clinic.
    pub async fn of_doctor(self, doctor: AccountId) -> Result<Vec<RosterRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where doctor_id = $1 order by id")).bind(doctor).fetch_all(conn).await?
        }))
    }

    /// Every roster of the house, for the job that makes slots.
    pub async fn all(self) -> Result<Vec<RosterRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("order by id")).fetch_all(conn).await?))
    }

    /// Notes up to which day slots are made.
    pub async fn roll(self, id: RosterId, to: &str) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update roster set rolled_to = $2 where id = $1")
                .bind(id)
                .bind(to)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Ends a roster with a day.
    pub async fn end(self, id: RosterId, version: i64, last_day: &str) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update roster set last_day = $3, version = version + 1 where id = $1 and version = $2")
                .bind(id)
                .bind(version)
                .bind(last_day)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Keeps an exception; one that begins at the same minute of the same day is written anew.
    pub async fn except(self, row: &ExceptionRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into roster_exception (roster_id, day, kind, from_minute, to_minute, made_by, made_at)
                 values ($1, $2, $3, $4, $5, $6, $7)
                 on conflict (roster_id, day, kind, from_minute) do update
                 set to_minute = excluded.to_minute, made_by = excluded.made_by, made_at = excluded.made_at",
            )
            .bind(row.roster_id)
            .bind(&row.day)
            .bind(row.kind)
            .bind(row.from_minute)
            .bind(row.to_minute)
            .bind(row.made_by)
            .bind(row.made_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The exceptions of a roster from a day on.
    pub async fn exceptions(self, id: RosterId, from_day: &str) -> Result<Vec<ExceptionRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select roster_id, day, kind, from_minute, to_minute, made_by, made_at
                 from roster_exception
                 where roster_id = $1 and day >= $2
                 order by day, from_minute",
            )
            .bind(id)
            .bind(from_day)
            .fetch_all(conn)
            .await?
        }))
    }
}
