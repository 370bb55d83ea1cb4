//! How values of the domain stand in a column; the domain itself may not name sqlx.
//!
//! Ids are UUIDs, moments are `bigint` milliseconds, words are text.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Type};
use uuid::Uuid;

use crate::domain::alarm::{AlarmKind, AlarmOutcome};
use crate::domain::consent::ConsentKind;
use crate::domain::desk::DeskPhase;
use crate::domain::identity::DocumentKind;
use crate::domain::ids::{
    AccountId, AlarmId, AttachmentId, ClinicId, DeclarationId, DeskId, HolderId, InstitutionId, InvitationId,
    MessageId, NoteId, NoticeId, ParticipantId, PatientId, RecordingId, RoomId, SessionId, TicketId, TriageId, VisitId,
};
use crate::domain::people::{Relation, Role, Sex};
use crate::domain::room::{ParticipantRole, PictureOf, RoomPurpose, Standing};
use crate::domain::ticket::{MoveReason, TicketState};
use crate::domain::time::Timestamp;
use crate::domain::triage::{Disposition, Level, RuleSetStatus};
use crate::domain::visit::{ChatSide, Outcome, VisitEnd};

macro_rules! as_column {
    ($($name:ty as $column:ty: |$value:ident| $encode:expr, |$read:ident| $decode:expr;)+) => {$(
        impl<DB: Database> Type<DB> for $name
        where
            $column: Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <$column as Type<DB>>::type_info()
            }

            fn compatible(info: &DB::TypeInfo) -> bool {
                <$column as Type<DB>>::compatible(info)
            }
        }

        impl<'q, DB: Database> Encode<'q, DB> for $name
        where
            $column: Encode<'q, DB>,
        {
            fn encode_by_ref(&self, buffer: &mut DB::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let $value = *self;
                <$column as Encode<'q, DB>>::encode($encode, buffer)
            }
        }

        impl<'r, DB: Database> Decode<'r, DB> for $name
        where
            $column: Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, BoxDynError> {
                let $read = <$column as Decode<'r, DB>>::decode(value)?;
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
        as_column! {$(
            $name as String: |word| word.as_str().to_owned(), |text| {
                let known = $name::ALL.into_iter().find(|word| word.as_str() == text);
                known.ok_or_else(|| concat!("not a word of ", stringify!($name)).into())
            };
        )+}
    };
}

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
    VisitId
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
