//! How values of the domain stand in a column; the domain itself may not name sqlx.
//!
//! Ids are UUIDs, moments are `bigint` milliseconds, words are text.

use uuid::Uuid;

use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::consent::ConsentKind;
use crate::domain::desk::DeskPhase;
use crate::domain::identity::DocumentKind;
use crate::domain::ids::{
    AccountId, AlarmId, AttachmentId, ClinicId, DeclarationId, DeskId, HolderId, InstitutionId, InvitationId,
    MessageId, NoteId, NoticeId, ParticipantId, PatientId, RecordingId, RoomId, SessionId, TicketId, TriageId, VisitId,
};
use crate::domain::ids::{
    AdverseEventId, AppointmentId, ApprovalId, CaseReportId, CertificateId, FormulaTemplateId, HoldId, JobId, KeyId,
    OpinionId, PrescriptionId, PurposeEndId, ReviewId, RosterId, SignatureId, SlotId, TemplateId, WishId,
};
use crate::domain::people::{Relation, Role, Sex};
use crate::domain::room::{ParticipantRole, PictureOf, RoomPurpose, Standing};
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::time::Timestamp;
use crate::domain::triage::{Disposition, Level, RuleSetStatus};
use crate::domain::visit::{ChatSide, Outcome, VisitEnd};

macro_rules! as_column {
    ($($name:ty as $column:ty: |$value:ident| $encode:expr, |$read:ident| $decode:expr;)+) => {$(
        impl<DB: sqlx::Database> sqlx::Type<DB> for $name
        where
            $column: sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$column as sqlx::Type<DB>>::type_info()
            }

            fn compatible(info: &DB::TypeInfo) -> bool {
                <$column as sqlx::Type<DB>>::compatible(info)
            }
        }

        impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for $name
        where
            $column: sqlx::Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> std::result::Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                let $value = *self;
                <$column as sqlx::Encode<'q, DB>>::encode($encode, buffer)
            }
        }

        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name
        where
            $column: sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> std::result::Result<Self, sqlx::error::BoxDynError> {
                let $read = <$column as sqlx::Decode<'r, DB>>::decode(value)?;
                $decode
            }
        }
    )+};
}

macro_rules! ids {
    ($($name:ident),+) => {
        as_column! {$(
            $name as Uuid: |id| id.as_uuid(), |uuid| Ok($name::from_uuid(uuid));
        )+}
    };
}

macro_rules! words {
    ($($name:ident),+) => {
        $crate::store::values::as_column! {$(
            $name as String: |word| word.as_str().to_owned(), |text| {
                let known = $name::ALL.into_iter().find(|word| word.as_str() == text);
                known.ok_or_else(|| concat!("not a word of ", stringify!($name)).into())
            };
        )+}
    };
}

/// Each file of the store declares the words of its own columns.
pub(super) use {as_column, words};

ids!(
    AccountId,
    AlarmId,
    AttachmentId,
    ClinicId,
    DeclarationId,
    DeskId,
    HolderId,
    InstitutionId,
    InvitationId,
    MessageId,
    NoteId,
    NoticeId,
    RecordingId,
    ParticipantId,
    PatientId,
    RoomId,
    SessionId,
    TicketId,
    TriageId,
    VisitId,
    PurposeEndId,
    AdverseEventId,
    AppointmentId,
    ApprovalId,
    CaseReportId,
    CertificateId,
    HoldId,
    JobId,
    KeyId,
    OpinionId,
    PrescriptionId,
    ReviewId,
    RosterId,
    SignatureId,
    SlotId,
    TemplateId,
    FormulaTemplateId,
    WishId
);

words!(
    AlarmKind,
    AlarmOutcome,
    ChatSide,
    ConsentKind,
    DeskPhase,
    Disposition,
    DocumentKind,
    Level,
    MoveReason,
    Outcome,
    ParticipantRole,
    PictureOf,
    Relation,
    Role,
    RoomPurpose,
    RuleSetStatus,
    Sex,
    Standing,
    TicketState,
    VisitEnd
);

as_column! {
    Timestamp as i64: |at| at.as_millis(), |millis| Ok(Timestamp::from_millis(millis));
}
