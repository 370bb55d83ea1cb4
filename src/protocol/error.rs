//! Refusals as the wire says them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::booking::SlotView;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal;)+) => {
        /// A stable name of what went wrong. The browser translates it; programs may rely on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum ErrorCode {$(
            $(#[$doc])*
            #[serde(rename = $code)]
            $name,
        )+}

        impl ErrorCode {
            /// Every code, in the order of this file.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON, or a field is missing or of another type; `field` names it where it can.
    Malformed = "request.malformed", 400;
    /// A field has a value that is not allowed; `field` names it.
    Invalid = "request.invalid", 422;
    /// A field that this server does not know; `field` names it.
    UnknownField = "request.unknown_field", 422;
    /// The body is larger than the limit.
    TooLarge = "request.too_large", 413;
    /// The content type is not the one that is expected.
    UnsupportedType = "request.unsupported_type", 415;
    /// No such path or object, or none that this subject may see.
    NotFound = "request.not_found", 404;
    /// The path does not know this method.
    MethodNotAllowed = "request.method_not_allowed", 405;
    /// Too many requests; `retry_after` and the header `Retry-After` say how many seconds to wait. Nothing was done: the same
    /// command may be sent again.
    RateLimited = "request.rate_limited", 429;
    /// The same idempotency key came with another body.
    KeyReused = "request.key_reused", 422;
    /// The idempotency key is longer than 64 characters or holds other than letters, digits, `-` and `_`.
    KeyMalformed = "request.key_malformed", 400;
    /// No token, or one that is expired, forged or of another kind.
    Unauthenticated = "auth.required", 401;
    /// The subject's role may not do this.
    Forbidden = "auth.forbidden", 403;
    /// Wrong user name or password.
    BadCredentials = "auth.bad_credentials", 401;
    /// The new password is short, known from breaches, made of the own name, or the present one.
    PasswordWeak = "auth.password_weak", 422;
    /// The password is right, and this account has a second factor: sign in again with its `code`.
    SecondFactorAsked = "auth.second_factor", 401;
    /// The code of the second factor is wrong, is not of this moment, or opened something before.
    SecondFactorWrong = "auth.second_factor_wrong", 401;
    /// A second factor is on already.
    SecondFactorOn = "auth.second_factor_on", 409;
    /// The operator requires a second factor, and this account has none yet: only that can be set up.
    SecondFactorMissing = "auth.second_factor_missing", 403;
    /// After half an hour without an act a doctor or pharmacist proves anew who they are, by `/auth/prove`, and sends this again.
    ProofNeeded = "auth.proof_needed", 403;
    /// The refresh token is spent, revoked or unknown.
    SessionEnded = "auth.session_ended", 401;
    /// The one-time code is wrong; `remaining` says how many tries are left.
    CodeWrong = "code.wrong", 422;
    /// The one-time code is older than its ten minutes, was used, or was tried too often.
    CodeExpired = "code.expired", 410;
    /// A code was sent a moment ago; `retry_after` says when another may be asked for.
    CodeTooSoon = "code.too_soon", 429;
    /// The institution has sent as many codes as it may in an hour; `retry_after` says when the next can go.
    CodeSentOut = "code.sent_out", 503;
    /// The link does not lead to a clinic.
    LinkUnknown = "link.unknown", 404;
    /// The clinic takes no patients now.
    ClinicClosed = "clinic.closed", 409;
    /// The identity document's number is not possible; `field` names it.
    IdentityInvalid = "identity.invalid", 422;
    /// Somebody was seen under this identity, or others answer for it: it changes no more; `field` names what was to change.
    IdentitySettled = "identity.settled", 409;
    /// No identity was given yet.
    IdentityMissing = "identity.missing", 409;
    /// A consent that this step needs was not given; `field` names its kind, or is `guardian` for a child.
    ConsentMissing = "consent.missing", 409;
    /// The text was changed since it was shown; read it again.
    ConsentOutdated = "consent.outdated", 409;
    /// An answer does not fit its question; `field` is the question's link id.
    AnswerInvalid = "declaration.invalid", 422;
    /// Required questions are unanswered; `field` is the first one.
    AnswerMissing = "declaration.missing", 422;
    /// Somebody saved a newer version; fetch it first.
    VersionConflict = "version.conflict", 409;
    /// A submitted declaration changes no more, and birth date and sex (`field`) not once the patient was called.
    DeclarationClosed = "declaration.closed", 409;
    /// The declaration is not the newest of its patient, is older than a day, or has led to a visit; make a new one.
    DeclarationOutdated = "declaration.outdated", 409;
    /// The patient already has a live ticket in this clinic.
    TicketExists = "ticket.exists", 409;
    /// This telephone has as many live tickets in this clinic as one may have: four.
    TicketTooMany = "ticket.too_many", 409;
    /// The ticket is not in a state that allows this; fetch it again.
    TicketState = "ticket.state", 409;
    /// Somebody with the same document is in a visit with another doctor now.
    TicketSameDocument = "ticket.same_document", 409;
    /// The queue is empty.
    QueueEmpty = "queue.empty", 409;
    /// The doctor already has a patient.
    DoctorBusy = "desk.doctor_busy", 409;
    /// The desk is not open.
    DeskNotOpen = "desk.not_open", 409;
    /// Somebody else works at the desk.
    DeskTaken = "desk.taken", 409;
    /// The doctor's licence has ended.
    LicenceEnded = "desk.licence_ended", 403;
    /// No registration of this doctor is recorded; an administrator records it.
    RegistrationMissing = "desk.registration_missing", 403;
    /// It is not recorded since when this doctor practises independently; an administrator records it.
    PracticeMissing = "desk.practice_missing", 403;
    /// This doctor practises independently for less than three years.
    PracticeTooShort = "desk.practice_too_short", 403;
    /// The institution's written consent to this doctor's online work is not recorded; an administrator records it.
    PracticeConsentMissing = "desk.consent_missing", 403;
    /// Somebody else took this alarm.
    AlarmTaken = "alarm.taken", 409;
    /// A lower level needs a reason, and for EMERGENCY a doctor.
    LoweringRefused = "triage.lowering_refused", 403;
    /// A fact that the rule set does not know, or of a wrong type; `field` names it.
    FactInvalid = "triage.fact_invalid", 422;
    /// The note is signed and can only be amended.
    AlreadySigned = "note.already_signed", 409;
    /// An amendment of this archived record waits for somebody else's word already.
    AmendmentWaits = "amendment.waits", 409;
    /// The amendment was decided, or is one's own; fetch it again.
    AmendmentState = "amendment.state", 409;
    /// Something that signing needs is missing; `field` names it.
    NoteIncomplete = "note.incomplete", 422;
    /// The visit is over.
    VisitEnded = "visit.ended", 409;
    /// The visit's conversation holds no more lines of this side.
    ChatFull = "chat.full", 409;
    /// A disposition must be chosen before the visit ends.
    OutcomeMissing = "visit.outcome_missing", 409;
    /// Somebody else was faster; `next` holds the next three slots.
    SlotTaken = "slot.taken", 409;
    /// The slot can no longer be booked.
    SlotClosed = "slot.closed", 409;
    /// The appointment is not in a state that allows this; fetch it again.
    AppointmentState = "appointment.state", 409;
    /// Check-in begins 30 minutes before the appointment; `retry_after` says when.
    AppointmentTooEarly = "appointment.too_early", 409;
    /// Check-in is over; take a ticket or book anew.
    AppointmentTooLate = "appointment.too_late", 409;
    /// The patient has as many appointments to come in this clinic as one may have, three, or this telephone in all: eight.
    AppointmentTooMany = "appointment.too_many", 409;
    /// The patient has another appointment at that time.
    AppointmentOverlaps = "appointment.overlaps", 409;
    /// The roster contradicts itself or another of the same doctor; `field` names what.
    RosterInvalid = "roster.invalid", 422;
    /// The file was not imported at all; `field` names line and column.
    ImportInvalid = "import.invalid", 422;
    /// A code that the dictionary does not know; `field` names it.
    TermUnknown = "term.unknown", 422;
    /// This record is read by its treating staff; others name a purpose and a reason.
    PurposeMissing = "record.purpose_missing", 403;
    /// No prescription may exist for this visit; `field` names the reason.
    RxClosed = "rx.closed", 409;
    /// The prescription is not in a state that allows this; fetch it again.
    RxState = "rx.state", 409;
    /// Something is known that was not when the prescription was signed: the doctor signs anew; `field` names the rule.
    RxChanged = "rx.changed", 409;
    /// A finding needs an answer or a reason before the signature; `field` names its rule.
    RxUnanswered = "rx.unanswered", 422;
    /// The record states no diagnosis yet, and a prescription is for one; `field` is `diagnosis`.
    RxUndiagnosed = "rx.undiagnosed", 422;
    /// A warned sheet is signed a second time by an act of its own: `confirm` is sent with it; `field` names the finding.
    RxUnconfirmed = "rx.unconfirmed", 422;
    /// What the prescription holds may not be prescribed online; `field` names the rule.
    RxRefusedOnline = "rx.refused_online", 409;
    /// Another pharmacist is judging this prescription.
    RxClaimed = "rx.claimed", 409;
    /// A second doctor has to sign first.
    RxSecondSignature = "rx.second_signature", 409;
    /// The prescription ran out.
    RxExpired = "rx.expired", 410;
    /// This doctor was asked about this visit, and has not answered yet.
    OpinionOpen = "opinion.open", 409;
    /// The opinion was given or withdrawn, or no more can be asked about this visit; fetch it again.
    OpinionState = "opinion.state", 409;
    /// Something that signing an opinion needs is missing; `field` names it.
    OpinionIncomplete = "opinion.incomplete", 422;
    /// The report is closed, or this visit has one already; fetch it again.
    ReportState = "report.state", 409;
    /// Nobody dismisses the own suspicion: a second doctor does.
    ReportOwn = "report.own", 403;
    /// Only what is signed is printed.
    DocumentUnsigned = "document.unsigned", 409;
    /// The server has no Chinese font; the print view of the browser remains.
    DocumentNoFont = "document.no_font", 503;
    /// A legal hold keeps this.
    HoldActive = "hold.active", 409;
    /// A signature does not match what it signs; it was logged.
    SignatureBroken = "signature.broken", 500;
    /// The grant is expired, used, forged, or for another room.
    GrantRefused = "room.grant_refused", 403;
    /// The room is over.
    RoomClosed = "room.closed", 410;
    /// No invitation has this token.
    InvitationUnknown = "invitation.unknown", 404;
    /// The invitation's time is over.
    InvitationExpired = "invitation.expired", 410;
    /// Somebody else used the invitation.
    InvitationUsed = "invitation.used", 409;
    /// The invitation was taken back.
    InvitationRevoked = "invitation.revoked", 410;
    /// The piece does not continue what is here; ask how much is here, and go on from there.
    UploadOffset = "upload.offset", 409;
    /// What came is not what was promised; begin anew.
    UploadBroken = "upload.broken", 422;
    /// The description of the browser's media could not be used.
    OfferRefused = "room.offer_refused", 422;
    /// The room is full.
    RoomFull = "room.full", 409;
    /// As many rooms are open as this server holds; whoever was called has theirs all the same.
    RoomsTaken = "room.none_free", 503;
    /// The first message was not `hello`, or came too late.
    HelloExpected = "live.hello_expected", 400;
    /// The message is not one of this protocol; `field` names what was wrong.
    MessageMalformed = "live.malformed", 400;
    /// Another version of the protocol is needed.
    VersionUnsupported = "live.version_unsupported", 400;
    /// Nothing was heard of the browser for ten seconds.
    Silent = "live.silent", 408;
    /// More messages a second than the limit.
    TooManyMessages = "live.too_many_messages", 429;
    /// Another window of the same seat took over.
    Replaced = "live.replaced", 409;
    /// The server cannot reach its database; what was acknowledged is safe. Try again.
    Unavailable = "server.unavailable", 503;
    /// The server is shutting down.
    ShuttingDown = "server.shutting_down", 503;
    /// A fault of ours; it was logged.
    Internal = "server.internal", 500;
}

/// The body of every refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// The stable code.
    pub code: ErrorCode,
    /// A sentence in English for a developer; not for a patient.
    pub message: String,
    /// The field, question, consent or fact that is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u32>,
    /// Tries left.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remaining: Option<u32>,
    /// What can be had instead, for whoever came second: the next slots.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<Vec<SlotView>>,
    /// What is there now, for whoever saved an older version of a prescription or of an appointment.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub newer: Option<Box<Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_wire_form() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.status()));
        }
    }
}
