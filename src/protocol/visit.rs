//! The visit: the patient on the desk, the note, the end, and what the patient reads afterwards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::access::Access;
use crate::domain::ids::{
    AttachmentId, DeclarationId, MessageId, NoteId, PatientId, RecordingId, RoomId, TicketId, VisitId,
};
pub use crate::domain::note::diff::Change;
pub use crate::domain::note::merge::FieldConflict;
pub use crate::domain::note::words::Section;
pub use crate::domain::note::{NoteContent, Vitals};
use crate::domain::people::{Relation, Sex};
use crate::domain::room::ParticipantRole;
use crate::domain::signature::Algorithm;
use crate::domain::time::Timestamp;
pub use crate::domain::visit::{ChatSide, Outcome};
use crate::protocol::amendment::AmendmentView;
use crate::protocol::house::Text;
use crate::protocol::intake::{ConsentRecord, TriageView};
use crate::protocol::prescription::PrescriptionView;
use crate::protocol::reading::Again;
use crate::protocol::ticket::{Change as ConditionChange, ClosedAlarm, DeviceCheck, Speech, Stated, TicketPhase};

/// The patient on a desk, from the ring to the signature.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CurrentPatient {
    /// The ticket.
    pub ticket: TicketId,
    /// Its number.
    pub no: i64,
    /// Its version.
    pub version: i64,
    /// What it is doing.
    pub phase: TicketPhase,
    /// The ring ends at.
    pub ring_until: Option<Timestamp>,
    /// How often this ticket was called.
    pub call_count: u32,
    /// Whether the patient's browser is connected.
    pub online: bool,
    /// Who it is.
    pub identity: IdentityPanel,
    /// What triage said.
    pub triage: TriageView,
    /// The declaration.
    pub declaration: DeclarationId,
    /// The questionnaire's version.
    pub questionnaire: String,
    /// Answers by link id.
    #[schema(value_type = Object)]
    pub answers: Map<String, Value>,
    /// The patient's decisions.
    pub consents: Vec<ConsentRecord>,
    /// What the check before the call found.
    pub check: Option<DeviceCheck>,
    /// Earlier visits of everybody who was named with this document, newest first.
    pub previous: Vec<PreviousVisit>,
    /// Who else was named with this document and otherwise: another spelling, birthday or sex. The newest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub named_otherwise: Vec<NamedOtherwise>,
    /// The numbers that others drew in this clinic with the same document and that are live.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub same_document: Vec<i64>,
    /// The visit, once the identity was confirmed.
    pub visit: Option<VisitId>,
    /// Since when the patient's browser is away; absent while it is connected.
    #[serde(default)]
    pub offline_since: Option<Timestamp>,
    /// What a colleague of another clinic sent along.
    #[serde(default)]
    pub handover: Option<Handover>,
    /// What came of earlier alarms about this patient, newest first.
    #[serde(default)]
    pub alarms: Vec<ClosedAlarm>,
    /// The figures that the patient gave.
    #[serde(default)]
    pub stated: Stated,
    /// What the patient said again in the waiting room where a rule spoke upon it, the newest first. It stands over the
    /// declaration.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub waited: Vec<SaidWaiting>,
    /// How to speak with the patient.
    #[serde(default)]
    pub speech: Speech,
}

/// One answer to the three questions of the waiting room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SaidWaiting {
    /// When.
    pub at: Timestamp,
    /// Breathing compared with before.
    pub breathing: ConditionChange,
    /// General state compared with before.
    pub general: ConditionChange,
    /// ℃, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
}

/// A colleague's word with a transfer. The note of that visit is read by `GET /visits/{id}`, which is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Handover {
    /// When.
    pub at: Timestamp,
    /// From which clinic.
    pub clinic_name: Text,
    /// By whom.
    pub doctor_name: Text,
    /// Why.
    pub reason: String,
    /// The visit there, if it had begun.
    pub visit: Option<VisitId>,
}

/// What the doctor compares before anybody sees anybody.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IdentityPanel {
    /// The patient.
    pub patient: PatientId,
    /// The full name.
    pub name: String,
    /// The document's kind.
    pub document: crate::protocol::intake::DocumentKind,
    /// The last four characters of its number.
    pub document_tail: String,
    /// The last four digits of the telephone number.
    pub phone_tail: String,
    /// Full years of age.
    pub age_years: u32,
    /// Sex.
    pub sex: Sex,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// Who answers for the patient.
    pub relation: Relation,
}

/// One earlier visit.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PreviousVisit {
    /// The visit.
    pub visit: VisitId,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub clinic_name: Text,
    /// The diagnosis as signed.
    pub diagnosis: Option<String>,
    /// As whom the patient was named then, where name, birthday or sex are not those of today's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub named: Option<NamedOtherwise>,
}

/// Somebody else's word for the holder of the same document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NamedOtherwise {
    /// The full name.
    pub name: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// Sex.
    pub sex: Sex,
}

/// `GET /visits/mine`: a visit of this doctor that ended in the last days.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EndedVisit {
    /// The visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub name_masked: String,
    /// Where.
    pub clinic_name: Text,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What happens next.
    pub outcome: Option<Outcome>,
    /// Whether its note is signed.
    pub is_signed: bool,
    /// Whether the record is archived.
    pub is_archived: bool,
}

/// `GET /visits/{id}` (staff): everything of one visit; the read is audited.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitView {
    /// The visit.
    pub id: VisitId,
    /// The room of its call.
    pub room: RoomId,
    /// The ticket's number.
    pub no: i64,
    /// Who it is.
    pub identity: IdentityPanel,
    /// When the identity was confirmed.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What happens next, once chosen.
    pub outcome: Option<Outcome>,
    /// Why the patient is sent on.
    #[serde(default)]
    pub outcome_reason: Option<String>,
    /// The draft.
    pub draft: NoteDraft,
    /// Signed versions, oldest first.
    pub signed: Vec<SignedNote>,
    /// Whether the record is archived: from then on an amendment waits for somebody else's word.
    #[serde(default)]
    pub is_archived: bool,
    /// The newest amendment of an archived record that is not part of it: it waits, or was declined.
    #[serde(default)]
    pub amendment: Option<AmendmentView>,
    /// The prescriptions, oldest first, where another doctor than its own reads the record; each is in the audit as well.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub prescriptions: Vec<PrescriptionView>,
    /// The purpose under which this read is in the audit; absent in answers to a command.
    #[serde(default)]
    pub access: Option<Access>,
}

/// A note that is being written.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteDraft {
    /// Grows by one with every save; 0 before the first.
    pub version: i64,
    /// When it was saved last.
    pub saved_at: Option<Timestamp>,
    /// The text.
    pub content: NoteContent,
}

/// `PUT /visits/{id}/note`: saves the draft.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteSave {
    /// The version that was edited.
    pub version: i64,
    /// The text.
    pub content: NoteContent,
}

/// `POST /visits/{id}/note/merge`: what a window wrote over a version that is no longer the newest.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeRequest {
    /// The version that was edited.
    pub version: i64,
    /// The text of this window.
    pub content: NoteContent,
    /// Why, for whoever wrote it and does not treat the patient now: the answer is the whole draft.
    #[serde(default)]
    pub purpose: Option<Again>,
}

/// Both edits as one. Nothing is saved by asking: save `content` over `version` when there are no conflicts, or after a
/// person has decided on each.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MergedNote {
    /// The newest version.
    pub version: i64,
    /// Both edits; at a conflict, what is saved.
    pub content: NoteContent,
    /// Where both wrote different things.
    pub conflicts: Vec<FieldConflict>,
    /// What is saved.
    pub theirs: NoteContent,
    /// Who saved the newest version.
    pub saved_by: Text,
    /// When.
    pub saved_at: Option<Timestamp>,
}

/// `GET /visits/{id}/note/versions`: one save.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteVersion {
    /// Its number.
    pub version: i64,
    /// Who saved it.
    pub saved_by: Text,
    /// When.
    pub saved_at: Timestamp,
}

/// `GET /visits/{id}/note/versions/{n}`: one save with its text, and what it changed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteVersionView {
    /// Its number.
    pub version: i64,
    /// Who saved it.
    pub saved_by: Text,
    /// When.
    pub saved_at: Timestamp,
    /// The text.
    pub content: NoteContent,
    /// What differs from the version before that is kept.
    pub changes: Vec<Change>,
}

/// `POST /visits/{id}/sign`: signs the draft of this version; after a signature, an amendment.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignRequest {
    /// The draft's version.
    pub version: i64,
    /// Why it is changed; required for an amendment.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A version of the note that can never change.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedNote {
    /// This version.
    pub id: NoteId,
    /// 1 for the first signature; amendments count on.
    pub number: i64,
    /// The text.
    pub content: NoteContent,
    /// SHA-256 over the canonical content, signer, time and the hash before, in hexadecimal.
    pub hash: String,
    /// The signer's name.
    pub signer: Text,
    /// When.
    pub signed_at: Timestamp,
    /// Why it amends the version before.
    pub reason: Option<String>,
    /// What differs from the signed version before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The record as it reads, in both languages.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Whose key stands under it; notes of earlier versions of this program have a hash alone.
    #[serde(default)]
    pub signature: Option<SignatureView>,
    /// On whose word it amended an archived record.
    #[serde(default)]
    pub approved_by: Option<Text>,
}

/// A signature that holds.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignatureView {
    /// How.
    pub algorithm: Algorithm,
    /// The first 16 hexadecimal digits of the SHA-256 of the public key.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// `POST /visits/{id}/outcome`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeRequest {
    /// What happens next.
    pub outcome: Outcome,
    /// Why the patient is sent on, 2 to 500 characters: needed for `go_to_hospital`, and on the referral slip.
    #[serde(default)]
    pub reason: String,
}

/// One line of the conversation.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ChatMessage {
    /// The message; the browser chose it, so that a repeated send is the same message.
    pub id: MessageId,
    /// Whose side: `patient`, `staff` or `guest`.
    pub side: ChatSide,
    /// Whether whoever reads it said it.
    #[serde(default)]
    pub mine: bool,
    /// What a guest is in the call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<ParticipantRole>,
    /// The sender's name as shown.
    pub from: Text,
    /// Plain text, at most 2,000 characters.
    pub text: String,
    /// A picture, at `/attachments/{id}`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attachment: Option<AttachmentId>,
    /// When the server stored it.
    pub at: Timestamp,
}

/// `POST /visits/{id}/messages`.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatSend {
    /// A UUID chosen by the browser.
    pub id: MessageId,
    /// The text; may be empty when there is a picture.
    pub text: String,
    /// A picture that was uploaded before.
    #[serde(default)]
    pub attachment: Option<AttachmentId>,
}

/// The answer of `POST /visits/{id}/attachments`.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttachmentInfo {
    /// The picture.
    pub id: AttachmentId,
    /// Its MIME type as found in its bytes.
    pub mime: String,
    /// Its size in bytes.
    pub size: u64,
}

/// `GET /recordings` and `GET /visits/{id}/recordings`: a film of one participant, or a part of it.
#[expect(clippy::struct_excessive_bools, reason = "facts about a film, each free of the others")]
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordingView {
    /// The film.
    pub id: RecordingId,
    /// Of which visit.
    pub visit: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The patient's name, masked.
    pub name_masked: String,
    /// Who is seen and heard, or whose screen is seen.
    pub role: ParticipantRole,
    /// Whether it shows what they showed of their screen, and not them.
    pub is_screen: bool,
    /// Which part, from 1.
    pub part: u32,
    /// When the recording began.
    pub started_at: Timestamp,
    /// How long it is, in milliseconds.
    pub millis: u64,
    /// How many stretches are missing in it.
    pub gaps: u32,
    /// Whether the server ended in the middle.
    pub is_cut: bool,
    /// Whether it ends because the patient took the consent back.
    pub is_withdrawn: bool,
    /// Whether pictures are missing because the camera spoke a codec that is not recorded.
    pub is_unpictured: bool,
    /// How many bytes; 0 where nothing could be kept, and `gaps` say why.
    pub size: u64,
    /// Not removed before.
    pub retain_until: Timestamp,
}

/// `GET /me/visits`: what a patient can read later.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VisitSummary {
    /// The visit.
    pub id: VisitId,
    /// The ticket's number.
    pub no: i64,
    /// The clinic.
    pub clinic_name: Text,
    /// The doctor.
    pub doctor_name: Text,
    /// The doctor's title.
    pub doctor_title: Text,
    /// The patient, masked.
    pub patient_masked: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What happens next.
    pub outcome: Option<Outcome>,
    /// What that means, in plain words.
    pub outcome_text: Option<Text>,
    /// When to worry: the safety net.
    pub safety_net: Vec<Text>,
    /// The newest signed note; none until the doctor signed, and none that is not what was signed.
    pub note: Option<SignedNote>,
    /// A note was signed and cannot be shown: it is not what was signed any more.
    #[serde(default)]
    pub is_broken: bool,
    /// The same in plain words.
    #[serde(default)]
    pub plain: Vec<Section>,
}

/// A one-time right to enter a room: the answer of every `…/grant`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoomGrant {
    /// The room.
    pub room: RoomId,
    /// The visit whose conversation is beside the call, for those who read and write it there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub visit: Option<VisitId>,
    /// A JWT, good once and for 60 s, for `join` of the live protocol.
    pub grant: String,
    /// `true` in a demonstration: a moving test picture may stand in for a missing camera.
    pub demo: bool,
    /// For `RTCPeerConnection`: ways to the media port through networks that block UDP. Good for an hour.
    pub ice_servers: Vec<IceServer>,
}

/// A TURN server, in the words of `RTCIceServer`.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// Until when, and for which seat.
    pub username: String,
    /// The password.
    pub credential: String,
}
