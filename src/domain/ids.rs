//! Names of things: one type per kind, so that a ticket can never be passed where a patient is meant.
//!
//! An id is a UUID v7 made by [`crate::clock::Ids`]; it sorts by the time of its making. On the wire it is the plain
//! UUID; in logs it carries its kind (`ticket_0192…`).

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// Takes a value that [`crate::clock::Ids`] or the database made.
            pub const fn from_uuid(value: Uuid) -> Self {
                Self(value)
            }

            /// Reads what [`fmt::Display`] wrote; nothing of another kind.
            pub fn from_key(text: &str) -> Option<Self> {
                text.strip_prefix(concat!($prefix, "_"))?.parse().ok()
            }

            /// The bare UUID, for the database and the wire.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// A film of a participant of a visit.
    RecordingId = "recording";
    /// A hospital or a partner: the tenant of every row.
    InstitutionId = "institution";
    /// A service that people queue for or book.
    ClinicId = "clinic";
    /// A place where one doctor works.
    DeskId = "desk";
    /// A member of staff who signs in with a password.
    AccountId = "account";
    /// A signed-in browser, of staff or of a patient; refresh tokens belong to it.
    SessionId = "session";
    /// The owner of a telephone number that passed the one-time code; may answer for several patients.
    HolderId = "holder";
    /// A person who is treated.
    PatientId = "patient";
    /// One filled-in questionnaire.
    DeclarationId = "declaration";
    /// One run of the triage rules, or one person's change of its level.
    TriageId = "triage";
    /// A place in a clinic's queue.
    TicketId = "ticket";
    /// One consultation of one patient.
    VisitId = "visit";
    /// One version of the note of a visit.
    NoteId = "note";
    /// A call for help from somebody whose answers cannot wait.
    AlarmId = "alarm";
    /// The room in which a call happens.
    RoomId = "room";
    /// A person's seat in a room; the same after a reload.
    ParticipantId = "participant";
    /// A media source of a participant.
    TrackId = "track";
    /// One line of a room's conversation.
    MessageId = "message";
    /// What a clinic tells those who wait.
    NoticeId = "notice";
    /// A stored picture or file.
    AttachmentId = "attachment";
    /// One connection of the live protocol, over all its sockets.
    ConnectionId = "connection";
    /// An invitation into a room.
    InvitationId = "invitation";
    /// A deferred act such as a message to be sent.
    JobId = "job";
    /// A doctor's recurring hours.
    RosterId = "roster";
    /// A stretch of a doctor's time that can be booked.
    SlotId = "slot";
    /// A booked place.
    AppointmentId = "appointment";
    /// A place on a waiting list.
    WishId = "wish";
    /// A prescription through all its versions.
    PrescriptionId = "prescription";
    /// A question to another doctor, and the signed answer.
    OpinionId = "opinion";
    /// A text that a doctor inserts by an act.
    TemplateId = "template";
    /// A formula that a doctor keeps.
    FormulaTemplateId = "formula_template";
    /// A key that signs.
    KeyId = "key";
    /// A signature.
    SignatureId = "signature";
    /// A legal hold.
    HoldId = "hold";
    /// A certificate of deletion.
    CertificateId = "certificate";
    /// An administrator's word that a purpose has ended.
    PurposeEndId = "purpose_end";
    /// An administrator's word that what is due may go.
    ApprovalId = "approval";
    /// A read outside of treatment, to be judged.
    ReviewId = "review";
    /// What is owed after a suspicion of an infectious disease.
    CaseReportId = "case_report";
    /// What went wrong at a visit.
    AdverseEventId = "adverse_event";
}
