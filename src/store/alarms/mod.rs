//! Alarms: what is kept of one, and how it is kept and found.

use sqlx::types::Json;

use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::ids::{AccountId, AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::store::{Result, Tx, on};

/// An alarm as it is kept.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct AlarmRow {
    /// The alarm.
    pub id: AlarmId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// Whose link was opened.
    pub clinic_id: ClinicId,
    /// What raised it.
    pub kind: AlarmKind,
    /// The reasons, in words.
    pub reasons: Json<Vec<Text>>,
    /// Who is ill, where known.
    pub patient_id: Option<PatientId>,
    /// Who answers, where known.
    pub holder_id: Option<HolderId>,
    /// What was declared, where it was.
    pub declaration_id: Option<DeclarationId>,
    /// The ticket, where there is one.
    pub ticket_id: Option<TicketId>,
    /// When.
    pub raised_at: Timestamp,
    /// Who took it.
    pub taken_by: Option<AccountId>,
    /// When it was taken.
    pub taken_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: Option<AlarmOutcome>,
    /// A few sealed words.
    pub note_sealed: Option<Vec<u8>>,
    /// Grows with every change.
    pub version: i64,
    /// Who took it is heard of until then, or it rings again.
    pub lease_until: Option<Timestamp>,
    /// A keyed hash of the holder, or of the unnamed caller's network; `None` when staff raised it.
    pub origin: Option<Vec<u8>>,
    /// It waits behind others of its origin and does not ring.
    pub folded: bool,
}

impl AlarmRow {
    /// An alarm as it begins: it rings, nobody has it, and nothing is known of whom it is about.
    pub const fn begun(
        id: AlarmId,
        institution_id: InstitutionId,
        clinic_id: ClinicId,
        kind: AlarmKind,
        raised_at: Timestamp,
    ) -> Self {
        Self {
            id,
            institution_id,
            clinic_id,
            kind,
            reasons: Json(Vec::new()),
            patient_id: None,
            holder_id: None,
            declaration_id: None,
            ticket_id: None,
            raised_at,
            taken_by: None,
            taken_at: None,
            closed_at: None,
            outcome: None,
            note_sealed: None,
            version: 1,
            lease_until: None,
            origin: None,
            folded: false,
        }
    }
}

macro_rules! names {
    () => {
        "id, institution_id, clinic_id, kind, reasons, patient_id, holder_id, declaration_id, ticket_id, raised_at,
         taken_by, taken_at, closed_at, outcome, note_sealed, version, lease_until, origin, folded "
    };
}

macro_rules! columns {
    ($($rest:tt)*) => {
        concat!("select ", names!(), "from alarm ", $($rest)*)
    };
}

mod about;
mod folding;
mod hands;
mod listing;

pub use listing::{OpenAlarm, OpenAlarms};

/// The `alarm` table.
pub struct Alarms<'tx>(pub(super) &'tx mut Tx);

impl Alarms<'_> {
    /// Keeps a new alarm.
    pub async fn insert(self, alarm: &AlarmRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into alarm (id, institution_id, clinic_id, kind, reasons, patient_id, holder_id, declaration_id,
                                    ticket_id, raised_at, taken_by, taken_at, version, lease_until, origin, folded)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            )
            .bind(alarm.id)
            .bind(alarm.institution_id)
            .bind(alarm.clinic_id)
            .bind(alarm.kind)
            .bind(&alarm.reasons)
            .bind(alarm.patient_id)
            .bind(alarm.holder_id)
            .bind(alarm.declaration_id)
            .bind(alarm.ticket_id)
            .bind(alarm.raised_at)
            .bind(alarm.taken_by)
            .bind(alarm.taken_at)
            .bind(alarm.version)
            .bind(alarm.lease_until)
            .bind(&alarm.origin)
            .bind(alarm.folded)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// An alarm by its id.
    pub async fn find(self, id: AlarmId) -> Result<Option<AlarmRow>> {
        Ok(on!(self.0, |conn| sqlx::query_as(columns!("where id = $1")).bind(id).fetch_optional(conn).await?))
    }
}
