//! What is remembered: one text of SQL, two databases.
//!
//! [`Db`] opens SQLite or PostgreSQL; [`Tx`] is a transaction on either; the `on!` macro type-checks one expression
//! against both drivers. One file per table family. Times and ids are passed in; a write states its condition in its
//! `where` and says whether it touched the row. Where the databases truly differ, the two spellings stand side by side
//! ([`Dialect::pick`]).

mod access_reviews;
mod accounts;
mod adverse_events;
mod alarms;
mod amendments;
mod appointments;
mod audit_days;
mod audit_signed;
mod case_reports;
mod clinics;
mod codes;
mod consents;
mod copying;
mod credentials;
mod db;
mod deadline;
mod declarations;
mod desks;
mod document_codes;
mod error;
mod events;
mod formula_templates;
mod guardians;
mod handovers;
mod holders;
mod holds;
mod institutions;
mod invitations;
mod jobs;
mod known_places;
mod leaving;
mod lists;
mod messages;
mod note_versions;
mod notes;
mod notices;
mod opinions;
mod patients;
mod prescriptions;
mod recordings;
mod retention;
mod rooms;
mod rosters;
mod second_factors;
mod sessions;
mod signatures;
mod slots;
mod templates;
mod tickets;
mod triages;
mod uploads;
mod values;
mod visits;
mod wishes;

use sqlx::{Sqlite, Transaction};

pub use access_reviews::{AccessReviews, ReadRow, ReviewRow};
pub use accounts::{AccountRow, Accounts};
pub use adverse_events::{AdverseEventRow, AdverseEvents};
pub use alarms::{AlarmRow, Alarms, OpenAlarm, OpenAlarms};
pub use amendments::{AmendmentRow, Amendments};
pub use appointments::{AppointmentRow, Appointments, SettledRow};
pub use audit_days::AuditDays;
pub use audit_signed::SignedThere;
pub use case_reports::{CaseReportRow, CaseReports};
pub use clinics::{ClinicOf, ClinicRow, Clinics, ShownRow};
pub use codes::{CodeRow, Codes};
pub use consents::{ConsentRow, Consents};
pub use copying::{Copied, POSTGRES_FOLDER, SQLITE_NAME, newest_step};
pub use credentials::{CredentialRow, Credentials};
pub use db::Db;
pub(crate) use db::{POSTGRES, SQLITE};
pub use deadline::Timed;
pub use declarations::{DeclarationRow, Declarations, SpeechRow};
pub use desks::{DeskRow, Desks};
pub use document_codes::{CodeOfDocument, DocumentCodes};
pub use error::StoreError;
pub use events::{Audit, Claim, EventRow, Events, Idem, NewEvent};
pub use formula_templates::{FormulaTemplateRow, FormulaTemplates};
pub use guardians::{GuardianRow, Guardians};
pub use handovers::{HandoverRow, Handovers};
pub use holders::{HolderRow, Holders};
pub use holds::{CertificateRow, Certificates, HoldRow, Holds};
pub use institutions::{InstitutionRow, Institutions};
pub use invitations::{InvitationRow, Invitations};
pub use jobs::{ATTEMPTS, JobRow, Jobs, LASTING};
pub use known_places::KnownPlaces;
pub use leaving::Leaving;
pub use messages::{AttachmentRow, MessageRow, Messages};
pub use note_versions::{NoteVersions, VersionRow};
pub use notes::{DraftRow, NoteRow, Notes};
pub use notices::{NoticeRow, Notices};
pub use opinions::{OpinionRow, Opinions};
pub use patients::{PatientRow, Patients, RelatedPatient};
pub use prescriptions::{BasisRow, NewSheet, PrescriptionRow, Prescriptions, SignedVersionRow};
pub use recordings::{RecordingRow, Recordings};
pub use retention::{ApprovalRow, GoneRow, PurposeEndRow, Retentions};
pub use rooms::{RoomOver, RoomRow, Rooms, SeatRow};
pub use rosters::{ExceptionRow, RosterRow, Rosters};
pub use second_factors::{SecondFactorRow, SecondFactors};
pub use sessions::{SessionRow, Sessions};
pub use signatures::{KeyRow, SignatureRow, Signatures};
pub use slots::{SlotRow, Slots};
pub use templates::{TemplateRow, Templates};
pub use tickets::{Caller, NewTicket, TicketRow, Tickets};
pub use triages::{TriageRow, Triages};
pub use uploads::{UploadRow, Uploads};
pub use visits::{VisitRow, Visits};
pub use wishes::{WishRow, WishState, Wishes};

/// A column of JSON. Rows carry it, so that nobody else has to know which library speaks to the database.
pub use sqlx::types::Json;

/// What every store method returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Which database is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Chooses between two spellings of one statement.
    pub const fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }
}

/// A transaction on either database.
pub enum Tx {
    /// SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// PostgreSQL.
    Postgres(Timed),
}

/// Runs one expression against whichever database is open.
macro_rules! on {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $conn: &mut sqlx::SqliteConnection = &mut *tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let within = tx.within();
                let $conn: &mut sqlx::PgConnection = &mut *tx;
                within.of(async { Ok::<_, $crate::store::StoreError>($body) }).await?
            }
        }
    };
    ($tx:expr, |$conn:ident, $dialect:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let ($conn, $dialect): (&mut sqlx::SqliteConnection, _) = (&mut *tx, $crate::store::Dialect::Sqlite);
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let within = tx.within();
                let ($conn, $dialect): (&mut sqlx::PgConnection, _) = (&mut *tx, $crate::store::Dialect::Postgres);
                within.of(async { Ok::<_, $crate::store::StoreError>($body) }).await?
            }
        }
    };
}
pub(crate) use on;

impl Tx {
    /// Makes everything since the beginning durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $table:ident;)+) => {
        impl Tx {$(
            $(#[$doc])*
            pub fn $name(&mut self) -> $table<'_> {
                $table(self)
            }
        )+}
    };
}

tables! {
    /// Reads of records that somebody else judges.
    access_reviews: AccessReviews;
    /// Accounts.
    accounts: Accounts;
    /// What went wrong at visits.
    adverse_events: AdverseEvents;
    /// Alarms.
    alarms: Alarms;
    /// Amendments of archived records.
    amendments: Amendments;
    /// Appointments.
    appointments: Appointments;
    /// The audit chain.
    audit: Audit;
    /// Sealed days of the audit.
    audit_days: AuditDays;
    /// What is owed after suspicions.
    case_reports: CaseReports;
    /// Certificates of deletion.
    certificates: Certificates;
    /// Clinics.
    clinics: Clinics;
    /// One-time codes.
    codes: Codes;
    /// Consents.
    consents: Consents;
    /// What doctors have on paper.
    credentials: Credentials;
    /// Declarations.
    declarations: Declarations;
    /// Desks.
    desks: Desks;
    /// Codes on documents.
    document_codes: DocumentCodes;
    /// The event log.
    events: Events;
    /// Formulas that doctors keep.
    formula_templates: FormulaTemplates;
    /// Consents of guardians.
    guardians: Guardians;
    /// Words that go along with a transfer.
    handovers: Handovers;
    /// Owners of telephone numbers.
    holders: Holders;
    /// Orders that something stays.
    holds: Holds;
    /// Idempotency keys.
    idem: Idem;
    /// Institutions.
    institutions: Institutions;
    /// Invitations into rooms.
    invitations: Invitations;
    /// What is to be done later.
    jobs: Jobs;
    /// From where somebody has signed in.
    known_places: KnownPlaces;
    /// What goes, and is not gone yet.
    leaving: Leaving;
    /// Conversations.
    messages: Messages;
    /// Every save of a draft.
    note_versions: NoteVersions;
    /// Drafts and signed notes.
    notes: Notes;
    /// What clinics tell those who wait.
    notices: Notices;
    /// Patients, and who answers for them.
    patients: Patients;
    /// Opinions of other doctors.
    opinions: Opinions;
    /// Prescriptions.
    prescriptions: Prescriptions;
    /// Process records.
    recordings: Recordings;
    /// What was said of things whose time runs.
    retention: Retentions;
    /// Rooms and seats.
    rooms: Rooms;
    /// Doctors' recurring hours.
    rosters: Rosters;
    /// Second factors of staff.
    second_factors: SecondFactors;
    /// Sessions.
    sessions: Sessions;
    /// Keys and signatures.
    signatures: Signatures;
    /// Bookable time.
    slots: Slots;
    /// Texts that a doctor inserts.
    templates: Templates;
    /// Tickets.
    tickets: Tickets;
    /// Decisions about levels.
    triages: Triages;
    /// Pictures on their way.
    uploads: Uploads;
    /// Visits.
    visits: Visits;
    /// The waiting list.
    wishes: Wishes;
}
