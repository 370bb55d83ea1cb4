//! Bookable time.

use crate::domain::appointment::SlotState;
use crate::domain::ids::{AccountId, ClinicId, InstitutionId, RosterId, SlotId};
use crate::domain::time::Timestamp;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(SlotState);

/// A slot as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SlotRow {
    /// The slot.
    pub id: SlotId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The clinic.
    pub clinic_id: ClinicId,
    /// Whose time.
    pub doctor_id: AccountId,
    /// The roster that asked for it.
    pub roster_id: Option<RosterId>,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// The clinic's zone of the IANA.
    pub zone: String,
    /// The day there that was promised.
    pub day: String,
    /// The minute of that day on the wall there that was promised.
    pub wall_minute: i64,
    /// Places.
    pub capacity: i64,
    /// Places that are taken.
    pub taken: i64,
    /// Whether it may be booked.
    pub state: SlotState,
    /// Grows with every change.
    pub version: i64,
}

macro_rules! columns {
    () => {
        "id, institution_id, clinic_id, doctor_id, roster_id, starts_at, ends_at, zone, day, wall_minute, capacity, taken,
         state, version "
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select ", columns!(), "from slot ", $rest)
    };
}

/// The `slot` table.
pub struct Slots<'tx>(pub(super) &'tx mut Tx);

impl Slots<'_> {
    /// Keeps a slot; one that its roster closed before is opened again, and one that others closed and nobody booked becomes
    /// this one. `false` when the doctor has another slot then.
    pub async fn plan(self, slot: &SlotRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into slot (id, institution_id, clinic_id, doctor_id, roster_id, starts_at, ends_at, zone, day,
                                   wall_minute, capacity, taken, state, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 'open', 1)
                 on conflict (doctor_id, starts_at) do update
                 set clinic_id = excluded.clinic_id, roster_id = excluded.roster_id, ends_at = excluded.ends_at,
                     zone = excluded.zone, day = excluded.day, wall_minute = excluded.wall_minute,
                     capacity = excluded.capacity, state = 'open', version = slot.version + 1
                 where slot.state = 'closed'
                   and (slot.taken = 0 or (slot.roster_id = excluded.roster_id and slot.ends_at = excluded.ends_at))",
            )
            .bind(slot.id)
            .bind(slot.institution_id)
            .bind(slot.clinic_id)
            .bind(slot.doctor_id)
            .bind(slot.roster_id)
            .bind(slot.starts_at)
            .bind(slot.ends_at)
            .bind(&slot.zone)
            .bind(&slot.day)
            .bind(slot.wall_minute)
            .bind(slot.capacity)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// A slot by its id.
    pub async fn find(self, id: SlotId) -> Result<Option<SlotRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Until the end of the transaction nobody else changes these; in one order, so that two who move into each other's
    /// place do not wait for each other. On SQLite one writes at a time anyway.
    pub async fn lock(self, one: SlotId, other: SlotId) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query = dialect.pick(
                "select id from slot where id in ($1, $2) order by id",
                "select id from slot where id in ($1, $2) order by id for update",
            );
            sqlx::query(query).bind(one).bind(other).fetch_all(conn).await?;
        });
        Ok(())
    }

    /// The same for all of a doctor's slots that begin after a moment.
    pub async fn lock_of_doctor(self, doctor: AccountId, after: Timestamp) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query = dialect.pick(
                "select id from slot where doctor_id = $1 and starts_at > $2 order by id",
                "select id from slot where doctor_id = $1 and starts_at > $2 order by id for update",
            );
            sqlx::query(query).bind(doctor).bind(after).fetch_all(conn).await?;
        });
        Ok(())
    }

    /// Takes one place, if the slot is open, has one, and has not begun. Whoever is told the slot has its row until the commit,
    /// and with it the choice of the seat.
    pub async fn take(self, id: SlotId, now: Timestamp) -> Result<Option<SlotRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update slot
                 set taken = taken + 1, version = version + 1
                 where id = $1 and state = 'open' and taken < capacity and starts_at > $2
                 returning ",
                columns!()
            ))
            .bind(id)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The same for a place that is counted already, because an offer keeps it.
    pub async fn take_offered(self, id: SlotId, now: Timestamp) -> Result<Option<SlotRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "update slot
                 set version = version + 1
                 where id = $1 and state = 'open' and taken > 0 and starts_at > $2
                 returning ",
                columns!()
            ))
            .bind(id)
            .bind(now)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Gives one place back.
    pub async fn give_back(self, id: SlotId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update slot set taken = taken - 1, version = version + 1 where id = $1 and taken > 0")
                .bind(id)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// The open slots of a clinic's day in a span of time, of one doctor or of all; those that are full, too.
    pub async fn open_on(
        self,
        clinic: ClinicId,
        from: Timestamp,
        until: Timestamp,
        doctor: Option<AccountId>,
        day: &str,
    ) -> Result<Vec<SlotRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where clinic_id = $1 and state = 'open' and starts_at > $2 and starts_at < $3
                   and ($4 is null or doctor_id = $4) and day = $5
                 order by starts_at, id
                 limit 2000"
            ))
            .bind(clinic)
            .bind(from)
            .bind(until)
            .bind(doctor)
            .bind(day)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The days of a clinic's open slots in a span of time, of one doctor or of all, with the places that are free.
    pub async fn days(
        self,
        clinic: ClinicId,
        from: Timestamp,
        until: Timestamp,
        doctor: Option<AccountId>,
    ) -> Result<Vec<(String, i64)>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select day, cast(sum(capacity - taken) as bigint)
                 from slot
                 where clinic_id = $1 and state = 'open' and starts_at > $2 and starts_at < $3
                   and ($4 is null or doctor_id = $4)
                 group by day
                 order by day",
            )
            .bind(clinic)
            .bind(from)
            .bind(until)
            .bind(doctor)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The next free slots of a clinic from a moment on, those of the wanted doctor first.
    pub async fn next_free(
        self,
        clinic: ClinicId,
        doctor: AccountId,
        from: Timestamp,
        limit: i64,
    ) -> Result<Vec<SlotRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!(
                "where clinic_id = $1 and state = 'open' and starts_at > $2 and taken < capacity
                 order by case when doctor_id = $3 then 0 else 1 end, starts_at, id
                 limit $4"
            ))
            .bind(clinic)
            .bind(from)
            .bind(doctor)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The slots that a roster made for a day or a later one.
    pub async fn of_roster(self, roster: RosterId, from_day: &str) -> Result<Vec<SlotRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where roster_id = $1 and day >= $2 order by starts_at"))
                .bind(roster)
                .bind(from_day)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Nobody can book it any more; who has booked it is listed.
    pub async fn close(self, id: SlotId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update slot set state = 'closed', version = version + 1 where id = $1 and state = 'open'")
                .bind(id)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Whether a doctor has an open slot within a span that another roster made.
    pub async fn is_busy(
        self,
        doctor: AccountId,
        roster: RosterId,
        starts_at: Timestamp,
        ends_at: Timestamp,
    ) -> Result<bool> {
        let count: i64 = on!(self.0, |conn| {
            sqlx::query_scalar(
                "select count(*)
                 from slot
                 where doctor_id = $1 and roster_id <> $2 and starts_at < $4 and ends_at > $3
                   and (state = 'open' or (taken > 0 and starts_at = $3))",
            )
            .bind(doctor)
            .bind(roster)
            .bind(starts_at)
            .bind(ends_at)
            .fetch_one(conn)
            .await?
        });
        Ok(count > 0)
    }
}
