//! The waiting list.

pub use crate::domain::appointment::waiting_list::WishState;
use crate::domain::ids::{AccountId, ClinicId, HolderId, InstitutionId, PatientId, SlotId, WishId};
use crate::domain::time::Timestamp;
use crate::store::patients::own_card;
use crate::store::values::words;
use crate::store::{Result, Tx, on};

words!(WishState);

/// A wish as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct WishRow {
    /// The wish.
    pub id: WishId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Where.
    pub clinic_id: ClinicId,
    /// Only with this doctor.
    pub doctor_id: Option<AccountId>,
    /// Who is ill.
    pub patient_id: PatientId,
    /// Who asks.
    pub holder_id: HolderId,
    /// Not before this day.
    pub first_day: String,
    /// Not after this one.
    pub last_day: String,
    /// What it is doing.
    pub state: WishState,
    /// The place that was offered last; once the wish is over, only where it was offered then.
    pub slot_id: Option<SlotId>,
    /// How long the offer stands.
    pub offered_until: Option<Timestamp>,
    /// When it was made.
    pub made_at: Timestamp,
    /// Grows with every change.
    pub version: i64,
}

macro_rules! columns {
    () => {
        "id, institution_id, clinic_id, doctor_id, patient_id, holder_id, first_day, last_day, state, slot_id,
         offered_until, made_at, version "
    };
}

macro_rules! select {
    ($rest:literal) => {
        concat!("select ", columns!(), "from wish ", $rest)
    };
}

/// The `wish` table.
pub struct Wishes<'tx>(pub(super) &'tx mut Tx);

impl Wishes<'_> {
    /// Keeps a wish; a second one of the same patient in a clinic is a conflict.
    pub async fn insert(self, row: &WishRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into wish (id, institution_id, clinic_id, doctor_id, patient_id, holder_id, first_day, last_day,
                                   state, made_at, version)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.doctor_id)
            .bind(row.patient_id)
            .bind(row.holder_id)
            .bind(&row.first_day)
            .bind(&row.last_day)
            .bind(row.state)
            .bind(row.made_at)
            .bind(row.version)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A wish by its id.
    pub async fn find(self, id: WishId) -> Result<Option<WishRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(select!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }

    /// Those of a clinic that wait, in the order in which they were made.
    pub async fn waiting(self, clinic: ClinicId) -> Result<Vec<WishRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where clinic_id = $1 and state = 'waiting' order by made_at, id limit 500"))
                .bind(clinic)
                .fetch_all(conn)
                .await?
        }))
    }

    /// A holder's wishes that are not over.
    pub async fn of_holder(self, holder: HolderId) -> Result<Vec<WishRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where holder_id = $1 and state in ('waiting', 'offered') order by made_at, id"))
                .bind(holder)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The live wishes of a patient in a clinic, under whatever spelling the holder named them: one, where all were made
    /// since that is so.
    pub async fn of_card(self, patient: PatientId, clinic: ClinicId) -> Result<Vec<WishRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(concat!(
                "select ",
                columns!(),
                "from wish where patient_id in ",
                own_card!(),
                " and clinic_id = $2 and state in ('waiting', 'offered') order by made_at, id",
            ))
            .bind(patient)
            .bind(clinic)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The wishes for which a place in a slot is kept now.
    pub async fn offered(self, slot: SlotId) -> Result<Vec<WishRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(select!("where slot_id = $1 and state = 'offered' order by made_at, id"))
                .bind(slot)
                .fetch_all(conn)
                .await?
        }))
    }

    /// The wishes whose offer is over at a moment, the longest first, past the first `skip`.
    pub async fn over(self, now: Timestamp, limit: i64, skip: i64) -> Result<Vec<WishId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select id from wish
                 where state = 'offered' and offered_until <= $1
                 order by offered_until, id
                 limit $2 offset $3",
            )
            .bind(now)
            .bind(limit)
            .bind(skip)
            .fetch_all(conn)
            .await?
        }))
    }

    /// The holders who let a place in a slot pass: it was offered to one of their patients, who did not take it, and none has
    /// it. Whoever took it and gave it back has let nothing pass.
    pub async fn passed(self, slot: SlotId) -> Result<Vec<HolderId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select distinct w.holder_id
                 from wish w
                 where w.slot_id = $1 and w.state in ('met', 'left')
                   and not exists (select 1 from appointment a
                                   where a.slot_id = w.slot_id and a.holder_id = w.holder_id
                                     and (a.state in ('booked', 'checked_in')
                                          or w.state = 'met' and a.patient_id = w.patient_id))",
            )
            .bind(slot)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Turns a live wish into something else.
    pub async fn turn(
        self,
        wish: &WishRow,
        to: WishState,
        slot: Option<SlotId>,
        until: Option<Timestamp>,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update wish
                 set state = $3, slot_id = $4, offered_until = $5, version = version + 1
                 where id = $1 and version = $2 and state in ('waiting', 'offered')",
            )
            .bind(wish.id)
            .bind(wish.version)
            .bind(to)
            .bind(slot)
            .bind(until)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }
}
