//! Declarations: what patients state before the visit.

use crate::domain::ids::{ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::time::Timestamp;
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};

/// A declaration as it is kept.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct DeclarationRow {
    /// The declaration.
    pub id: DeclarationId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// For which clinic.
    pub clinic_id: ClinicId,
    /// For whom.
    pub patient_id: PatientId,
    /// Who answers.
    pub holder_id: HolderId,
    /// The version of the questionnaire that is answered.
    pub questionnaire: String,
    /// Grows by one with every save.
    pub version: i64,
    /// The answers as a JSON object, sealed.
    pub answers_sealed: Vec<u8>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was saved last.
    pub saved_at: Timestamp,
    /// When it was handed in; nothing changes after.
    pub submitted_at: Option<Timestamp>,
}

/// How to speak with whoever holds a ticket: the holder's language, and the answers that may ask for help.
#[derive(Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SpeechRow {
    /// What was declared.
    pub declaration: DeclarationId,
    /// Its answers, sealed.
    pub answers_sealed: Vec<u8>,
    /// The language that the holder last signed in with.
    pub locale: String,
}

/// How to speak with whoever holds a ticket.
#[derive(sqlx::FromRow)]
struct SpeechOf {
    ticket: TicketId,
    #[sqlx(flatten)]
    speech: SpeechRow,
}

macro_rules! columns {
    ($rest:literal) => {
        concat!(
            "select id, institution_id, clinic_id, patient_id, holder_id, questionnaire, version, answers_sealed,
                    created_at, saved_at, submitted_at
             from declaration ",
            $rest
        )
    };
}

/// The `declaration` table.
pub struct Declarations<'tx>(pub(super) &'tx mut Tx);

impl Declarations<'_> {
    /// How to speak with whoever holds a ticket; `None` for one without a declaration.
    pub async fn speech(self, ticket: TicketId) -> Result<Option<SpeechRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select d.id as declaration, d.answers_sealed, h.locale
                 from ticket t
                 join declaration d on d.id = t.declaration_id
                 join holder h on h.id = t.holder_id
                 where t.id = $1",
            )
            .bind(ticket)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The same of several tickets.
    pub async fn speeches(self, tickets: impl IntoIterator<Item = TicketId>) -> Result<Vec<(TicketId, SpeechRow)>> {
        macro_rules! speeches {
            ($dialect:ident) => {
                concat!(
                    "select t.id as ticket, d.id as declaration, d.answers_sealed, h.locale
                     from ticket t
                     join declaration d on d.id = t.declaration_id
                     join holder h on h.id = t.holder_id
                     where t.id in ",
                    listed!($dialect)
                )
            };
        }
        let tickets = list(tickets.into_iter().map(TicketId::as_uuid));
        let rows: Vec<SpeechOf> = on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(speeches!(sqlite), speeches!(postgres))).bind(&tickets).fetch_all(conn).await?
        });
        Ok(rows.into_iter().map(|SpeechOf { ticket, speech }| (ticket, speech)).collect())
    }

    /// Keeps a new draft; `false` when holder, patient and clinic have one.
    pub async fn insert(self, row: &DeclarationRow) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "insert into declaration (id, institution_id, clinic_id, patient_id, holder_id, questionnaire, version,
                                          answers_sealed, state, created_at, saved_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, 'draft', $9, $10)
                 on conflict (holder_id, patient_id, clinic_id) where state = 'draft' do nothing",
            )
            .bind(row.id)
            .bind(row.institution_id)
            .bind(row.clinic_id)
            .bind(row.patient_id)
            .bind(row.holder_id)
            .bind(&row.questionnaire)
            .bind(row.version)
            .bind(&row.answers_sealed)
            .bind(row.created_at)
            .bind(row.saved_at)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// The draft of a holder for a patient in a clinic.
    pub async fn draft(self, holder: HolderId, patient: PatientId, clinic: ClinicId) -> Result<Option<DeclarationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where holder_id = $1 and patient_id = $2 and clinic_id = $3 and state = 'draft'"))
                .bind(holder)
                .bind(patient)
                .bind(clinic)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// A declaration of this holder; `None` for everybody else's.
    pub async fn of_holder(
        self,
        institution: InstitutionId,
        holder: HolderId,
        id: DeclarationId,
    ) -> Result<Option<DeclarationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where id = $1 and holder_id = $2 and institution_id = $3 and gone_at is null"))
                .bind(id)
                .bind(holder)
                .bind(institution)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// What a holder last handed in for a patient in a clinic; what another holder of the same patient says is theirs.
    pub async fn newest_submitted(
        self,
        holder: HolderId,
        patient: PatientId,
        clinic: ClinicId,
    ) -> Result<Option<DeclarationId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select id
                 from declaration
                 where holder_id = $1 and patient_id = $2 and clinic_id = $3 and state = 'submitted' and gone_at is null
                 order by submitted_at desc, id desc
                 limit 1",
            )
            .bind(holder)
            .bind(patient)
            .bind(clinic)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// A declaration of an institution; for staff.
    pub async fn find(self, institution: InstitutionId, id: DeclarationId) -> Result<Option<DeclarationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!("where id = $1 and institution_id = $2 and gone_at is null"))
                .bind(id)
                .bind(institution)
                .fetch_optional(conn)
                .await?
        }))
    }

    /// Saves the answers of a draft whose version is still `version`; `false` when it is not, or no draft any more.
    pub async fn save(
        self,
        id: DeclarationId,
        version: i64,
        questionnaire: &str,
        answers_sealed: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update declaration
                 set version = version + 1, questionnaire = $3, answers_sealed = $4, saved_at = $5
                 where id = $1 and version = $2 and state = 'draft'",
            )
            .bind(id)
            .bind(version)
            .bind(questionnaire)
            .bind(answers_sealed)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Hands in a draft whose version is still `version`; `false` when it is not, or no draft any more.
    pub async fn submit(self, id: DeclarationId, version: i64, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query(
                "update declaration
                 set state = 'submitted', version = version + 1, submitted_at = $3
                 where id = $1 and version = $2 and state = 'draft'",
            )
            .bind(id)
            .bind(version)
            .bind(now)
            .execute(conn)
            .await?
            .rows_affected()
                == 1
        }))
    }

    /// Declarations of a clinic after `after`, in the order of their ids, that were saved at or before a moment and are
    /// still there.
    pub async fn stated_by(
        self,
        clinic: ClinicId,
        after: DeclarationId,
        saved_at: Timestamp,
        limit: i64,
    ) -> Result<Vec<DeclarationRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(columns!(
                "where clinic_id = $1 and id > $2 and saved_at <= $3 and gone_at is null order by id limit $4"
            ))
            .bind(clinic)
            .bind(after)
            .bind(saved_at)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Forgets what was stated: a draft goes, of what was handed in stays that it was, for levels and tickets name it. What
    /// the triage read of it goes as well.
    pub async fn forget(self, id: DeclarationId, now: Timestamp) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query("update triage set facts_sealed = null where declaration_id = $1")
                .bind(id)
                .execute(&mut *conn)
                .await?;
            sqlx::query("delete from declaration where id = $1 and state = 'draft'")
                .bind(id)
                .execute(&mut *conn)
                .await?;
            sqlx::query("update declaration set answers_sealed = $2, gone_at = $3 where id = $1 and gone_at is null")
                .bind(id)
                .bind(Vec::<u8>::new())
                .bind(now)
                .execute(&mut *conn)
                .await?;
        });
        Ok(())
    }
}
