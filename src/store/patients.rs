//! Patients, and who answers for them.

use crate::domain::identity::DocumentKind;
use crate::domain::ids::{HolderId, InstitutionId, PatientId};
use crate::domain::people::{Relation, Sex};
use crate::domain::time::Timestamp;
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};

/// A person who is treated, as one holder named them. Another holder's row of the same person is another one, so that
/// nobody learns by trying whether somebody is known, uses up another's places, or changes another's name; rows of the
/// first versions may have several holders. What treats the person asks for all rows of the same card.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct PatientRow {
    /// The patient.
    pub id: PatientId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// The name, sealed.
    pub name_sealed: Vec<u8>,
    /// The blind index of the name.
    pub name_index: Vec<u8>,
    /// The name, all but the first character hidden.
    pub name_masked: String,
    /// The document's kind.
    pub document: DocumentKind,
    /// The document's number, sealed.
    pub number_sealed: Vec<u8>,
    /// A blind index of it and of who named it: the patient's key beside the name.
    pub number_index: Vec<u8>,
    /// The blind index of the number alone, by which everybody of the same document is found.
    pub card_index: Vec<u8>,
    /// Its last four characters.
    pub number_tail: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// Sex.
    pub sex: Sex,
    /// When the patient was first named.
    pub created_at: Timestamp,
}

/// A patient, and how a holder is related to them.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RelatedPatient {
    /// The patient.
    #[sqlx(flatten)]
    pub patient: PatientRow,
    /// What the holder is to the patient.
    pub relation: Relation,
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!(
            "select p.id, p.institution_id, p.name_sealed, p.name_index, p.name_masked, p.document, p.number_sealed,
                    p.number_index, coalesce(p.card_index, p.number_index) as card_index, p.number_tail, p.birth_date,
                    p.sex, p.created_at",
            $($rest)*
        )
    };
}

/// Everybody who was named with the document of the patient `$1`, and that patient.
macro_rules! same_card {
    () => {
        "(select $1
          union all
          select mate.id
          from patient me join patient mate on mate.institution_id = me.institution_id and mate.card_index = me.card_index
          where me.id = $1)"
    };
}

/// Those of them whom the same holder named: one person to whoever counts places.
macro_rules! own_card {
    () => {
        "(select $1
          union all
          select mate.id
          from patient me join patient mate on mate.institution_id = me.institution_id and mate.card_index = me.card_index
               join holder_patient mine on mine.patient_id = me.id
               join holder_patient its on its.patient_id = mate.id and its.holder_id = mine.holder_id
          where me.id = $1)"
    };
}

pub(in crate::store) use {own_card, same_card};

/// The `patient` and `holder_patient` tables.
pub struct Patients<'tx>(pub(super) &'tx mut Tx);

impl Patients<'_> {
    /// Keeps a new patient; `false` when there is one with this name and document.
    pub async fn insert(self, row: &PatientRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into patient (id, institution_id, name_sealed, name_index, name_masked, document, number_sealed,
                                      number_index, number_tail, birth_date, sex, created_at, card_index)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
                 on conflict (institution_id, document, number_index, name_index) do nothing",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(&row.name_sealed)
            .bind(&row.name_index)
            .bind(&row.name_masked)
            .bind(row.document)
            .bind(&row.number_sealed)
            .bind(&row.number_index)
            .bind(&row.number_tail)
            .bind(&row.birth_date)
            .bind(row.sex)
            .bind(row.created_at)
            .bind(&row.card_index)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// A patient of an institution; for staff.
    pub async fn find(self, institution: InstitutionId, id: PatientId) -> Result<Option<PatientRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(" from patient p where p.id = $1 and p.institution_id = $2"))
                .bind(id)
                .bind(institution)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Those of `ids` that are patients of an institution; for staff.
    pub async fn many(
        self,
        institution: InstitutionId,
        ids: impl IntoIterator<Item = PatientId>,
    ) -> Result<Vec<PatientRow>> {
        macro_rules! many {
            ($dialect:ident) => {
                columns!(" from patient p where p.id in ", listed!($dialect), " and p.institution_id = $2")
            };
        }
        let ids = list(ids.into_iter().map(PatientId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            let query = dialect.pick(many!(sqlite), many!(postgres));
            sqlx::query_as(query).bind(&ids).bind(institution).fetch_all(conn).await?
        }))
    }

    /// Until the end of the transaction nobody else signs, books or draws a number for this patient, under whatever
    /// spelling, so that of two sheets, or of two places, at once the second is judged beside the first; on SQLite one
    /// writes at a time anyway.
    pub async fn lock(self, id: PatientId) -> Result<()> {
        on!(self.0, |conn, dialect| {
            let query = dialect.pick(
                "select 1 from patient where id = $1",
                // Rows that refer to the patient are written by others meanwhile. Not `in` a subquery: that is
                // planned as a walk over all patients as long as the database has not counted them.
                "select 1 from patient
                 where id = $1
                    or institution_id = (select institution_id from patient where id = $1)
                       and card_index = (select card_index from patient where id = $1)
                 order by id for no key update",
            );
            sqlx::query(query).bind(id).fetch_all(conn).await?;
        });
        Ok(())
    }

    /// Everybody who was named with this document: one person, unless somebody lied or slipped.
    pub async fn by_card(self, institution: InstitutionId, card_index: &[u8]) -> Result<Vec<PatientRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(" from patient p where p.institution_id = $1 and p.card_index = $2 order by p.id"))
                .bind(institution)
                .bind(card_index)
                .fetch_all(conn)
                .await?
        }))
    }

    /// Whether one holder named two with one document.
    pub async fn is_own_card(self, one: PatientId, other: PatientId) -> Result<bool> {
        let found: Option<PatientId> = on!(self.0, |conn| {
            sqlx::query_scalar(concat!("select id from patient where id = $2 and id in ", own_card!()))
                .bind(one)
                .bind(other)
                .fetch_optional(conn)
                .await?
        });
        Ok(found.is_some())
    }

    /// The others who were named with a patient's document, the newest first.
    pub async fn mates(self, id: PatientId, limit: i64) -> Result<Vec<PatientRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                " from patient p where p.id in ",
                same_card!(),
                " and p.id <> $1 order by p.created_at desc, p.id desc limit $2"
            ))
            .bind(id)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Patients whose card's index was never computed, in the order of their ids after `after`: rows of the first versions,
    /// whose document states no resident number.
    pub async fn without_card(self, after: PatientId, limit: i64) -> Result<Vec<PatientRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                " from patient p
                  where p.id > $1
                    and (p.card_index is null
                         or (p.card_index = p.number_index and p.document not in ('resident_card', 'household_register')))
                  order by p.id
                  limit $2"
            ))
            .bind(after)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Says by what a patient's card is found.
    pub async fn set_card(self, id: PatientId, card_index: &[u8]) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update patient set card_index = $2 where id = $1")
                .bind(id)
                .bind(card_index)
                .execute(conn)
                .await?;
        });
        Ok(())
    }

    /// The patient with this document and name.
    pub async fn by_identity(
        self,
        institution: InstitutionId,
        document: DocumentKind,
        number_index: &[u8],
        name_index: &[u8],
    ) -> Result<Option<PatientRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                " from patient p
                  where p.institution_id = $1 and p.document = $2 and p.number_index = $3 and p.name_index = $4"
            ))
            .bind(institution)
            .bind(document)
            .bind(number_index)
            .bind(name_index)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Whether a patient of this holder was called or seen: from then on somebody has compared who that is.
    pub async fn is_settled(self, id: PatientId, holder: HolderId) -> Result<bool> {
        let found: Option<PatientId> = on!(self.0, |conn| {
            sqlx::query_scalar(
                "select patient_id from visit where patient_id = $1
                 union all
                 select patient_id from ticket where holder_id = $2 and patient_id = $1 and called_at is not null
                 limit 1",
            )
            .bind(id)
            .bind(holder)
            .fetch_optional(conn)
            .await?
        });
        Ok(found.is_some())
    }

    /// Whether anybody was seen under this row: since then what is signed says whose it is by it.
    pub async fn is_confirmed(self, id: PatientId) -> Result<bool> {
        let found: Option<PatientId> = on!(self.0, |conn| {
            sqlx::query_scalar("select patient_id from visit where patient_id = $1 limit 1")
                .bind(id)
                .fetch_optional(conn)
                .await?
        });
        Ok(found.is_some())
    }

    /// Writes who a patient is anew for whom nobody but `holder` answers; `false` when others do. That the holder names that
    /// person already is a conflict.
    pub async fn rewrite(self, row: &PatientRow, holder: HolderId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update patient
                 set name_sealed = $3, name_index = $4, name_masked = $5, document = $6, number_sealed = $7,
                     number_index = $8, card_index = $9, number_tail = $10, birth_date = $11, sex = $12
                 where id = $1
                   and not exists (select 1 from holder_patient where patient_id = $1 and holder_id <> $2)",
            )
            .bind(row.id)
            .bind(holder)
            .bind(&row.name_sealed)
            .bind(&row.name_index)
            .bind(&row.name_masked)
            .bind(row.document)
            .bind(&row.number_sealed)
            .bind(&row.number_index)
            .bind(&row.card_index)
            .bind(&row.number_tail)
            .bind(&row.birth_date)
            .bind(row.sex)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Changes birth date and sex of a patient for whom nobody but `holder` answers; `false` when others do.
    pub async fn correct(self, id: PatientId, holder: HolderId, birth_date: &str, sex: Sex) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update patient
                 set birth_date = $3, sex = $4
                 where id = $1
                   and not exists (select 1 from holder_patient where patient_id = $1 and holder_id <> $2)",
            )
            .bind(id)
            .bind(holder)
            .bind(birth_date)
            .bind(sex)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Says that a holder answers for a patient, and as what.
    pub async fn relate(self, holder: HolderId, patient: PatientId, relation: Relation, now: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into holder_patient (holder_id, patient_id, relation, created_at)
                 values ($1, $2, $3, $4)
                 on conflict (holder_id, patient_id) do update set relation = excluded.relation",
            )
            .bind(holder)
            .bind(patient)
            .bind(relation)
            .bind(now)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// The patients for whom a holder answers, in the order in which they were named.
    pub async fn of_holder(self, institution: InstitutionId, holder: HolderId) -> Result<Vec<RelatedPatient>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                ", h.relation
                 from holder_patient h join patient p on p.id = h.patient_id
                 where h.holder_id = $1 and p.institution_id = $2
                 order by h.created_at, p.id"
            ))
            .bind(holder)
            .bind(institution)
            .fetch_all(conn)
            .await?
        }))
    }

    /// A patient for whom this holder answers; `None` for everybody else's.
    pub async fn related(
        self,
        institution: InstitutionId,
        holder: HolderId,
        id: PatientId,
    ) -> Result<Option<RelatedPatient>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                ", h.relation
                 from holder_patient h join patient p on p.id = h.patient_id
                 where h.holder_id = $1 and p.institution_id = $2 and p.id = $3"
            ))
            .bind(holder)
            .bind(institution)
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }
}
