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
mod deadline;
mod declarations;
mod desks;
mod document_codes;
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

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Sqlite, SqlitePool, Transaction};

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
pub use deadline::Timed;
pub use declarations::{DeclarationRow, Declarations, SpeechRow};
pub use desks::{DeskRow, Desks};
pub use document_codes::{CodeOfDocument, DocumentCodes};
pub use events::{Audit, Claim, EventRow, Events, Idem, NewEvent};
pub use formula_templates::{FormulaTemplateRow, FormulaTemplates};
pub use guardians::{GuardianRow, Guardians};
pub use handovers::{HandoverRow, Handovers};
pub use holders::{HolderRow, Holders};
pub use holds::{CertificateRow, Certificates, HoldRow, Holds};
pub use institutions::{InstitutionRow, Institutions};
pub use invitations::{InvitationRow, Invitations};
pub use jobs::{ATTEMPTS, JobRow, Jobs};
pub use known_places::KnownPlaces;
pub use messages::{AttachmentRow, MessageRow, Messages};
pub use note_versions::{NoteVersions, VersionRow};
pub use notes::{DraftRow, NoteRow, Notes};
pub use notices::{NoticeRow, Notices};
pub use opinions::{OpinionRow, Opinions};
pub use patients::{PatientRow, Patients, RelatedPatient};
pub use prescriptions::{BasisRow, NewSheet, PrescriptionRow, Prescriptions, SignedVersionRow};
pub use recordings::{RecordingRow, Recordings};
pub use retention::{ApprovalRow, GoneRow, PurposeEndRow, Retentions};
pub use rooms::{RoomRow, Rooms, SeatRow};
pub use rosters::{ExceptionRow, RosterRow, Rosters};
pub use second_factors::{SecondFactorRow, SecondFactors};
pub use sessions::{SessionRow, Sessions};
pub use signatures::{KeyRow, SignatureRow, Signatures};
pub use slots::{SlotRow, Slots};
pub use templates::{TemplateRow, Templates};
pub use tickets::{Caller, TicketRow, Tickets};
pub use triages::{TriageRow, Triages};
pub use uploads::{UploadRow, Uploads};
pub use visits::{VisitRow, Visits};
pub use wishes::{WishRow, WishState, Wishes};

/// A column of JSON. Rows carry it, so that nobody else has to know which library speaks to the database.
pub use sqlx::types::Json;

/// What every store method returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Why the database did not do it. Never holds a value of a row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is full, or is too busy; nothing was changed.
    #[error("the database cannot be reached")]
    Unavailable,
    /// A unique index refused; nothing was changed.
    #[error("a row like this exists")]
    Conflict,
    /// Anything else is a fault of ours.
    #[error("the database refused: {0}")]
    Other(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::PoolTimedOut | E::PoolClosed | E::Io(_) | E::WorkerCrashed | E::Tls(_) => Self::Unavailable,
            E::Database(e) if e.is_unique_violation() => Self::Conflict,
            E::Database(e) => match e.code().as_deref() {
                Some(code) if is_passing(code) => Self::Unavailable,
                // The message of a database error names tables and columns, never values; the detail would.
                _ => Self::Other(e.message().to_owned()),
            },
            E::ColumnDecode { index, .. } => Self::Other(format!("column {index} does not decode")),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Whether an error's code says that the same may succeed later.
///
/// SQLite's extended codes keep the primary one in their lowest byte: busy 5, locked 6, I/O 10, full 13, cannot open 14.
/// PostgreSQL's have five characters: lost connections 08, serialization and deadlock 40, no resources 53, a lock or an
/// object in use 55, an operator or a time-out 57, a system error 58, a transaction that idled for too long 25P03.
fn is_passing(code: &str) -> bool {
    match code.parse::<u32>() {
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 5 | 6 | 10 | 13 | 14),
        _ => code == "25P03" || ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class)),
    }
}

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

/// An open database.
#[derive(Clone, Debug)]
pub enum Db {
    /// One connection that writes, several that read.
    Sqlite {
        /// The one writer.
        writer: SqlitePool,
        /// The readers.
        readers: SqlitePool,
    },
    /// A pool.
    Postgres(PgPool),
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

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// The steps that were done, and the last one's number.
const APPLIED: &str = "select count(*), coalesce(max(version), 0) from _sqlx_migrations where success";

impl Db {
    /// Opens `sqlite:<path>` (made when missing) or `postgres://…`.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            // One that hangs would hold the queue's rows from everybody.
            let options = PgConnectOptions::from_str(url)?.options(deadline::PATIENCE);
            return Self::postgres(options).await;
        }
        Self::sqlite(url).await
    }

    /// Opens the same for work that takes its time, such as a backup: PostgreSQL hurries nobody.
    pub async fn open_unhurried(url: &str) -> Result<Self> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Self::postgres(PgConnectOptions::from_str(url)?).await;
        }
        Self::sqlite(url).await
    }

    async fn sqlite(url: &str) -> Result<Self> {
        if url.contains(":memory:") || url.contains("mode=memory") {
            // Every connection to it would open another, empty database.
            return Err(StoreError::Other("SQLite needs a file here".to_owned()));
        }
        let options = SqliteConnectOptions::from_str(url)?.create_if_missing(true);
        // What SQLite puts beside it has the same rights.
        private_file(options.get_filename())?;
        let options = sqlite_options(options);
        let pool = |size: u32| SqlitePoolOptions::new().max_connections(size).acquire_timeout(Duration::from_secs(5));
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers = pool(4).connect_with(options.pragma("query_only", "on")).await?;
        Ok(Self::Sqlite { writer, readers })
    }

    /// Opens PostgreSQL with options of the caller.
    pub async fn postgres(options: PgConnectOptions) -> Result<Self> {
        let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(5));
        Ok(Self::Postgres(deadline::let_go(pool).connect_with(options).await?))
    }

    /// Brings the tables up to date.
    pub async fn migrate(&self) -> std::result::Result<(), sqlx::migrate::MigrateError> {
        match self {
            Self::Sqlite { writer, .. } => SQLITE.run(writer).await,
            Self::Postgres(pool) => POSTGRES.run(pool).await,
        }
    }

    /// How many steps the tables lack of what this program needs; negative where a newer program has been here.
    pub async fn lacks(&self) -> Result<i64> {
        let (known, applied) = match self {
            Self::Sqlite { readers, .. } => (&SQLITE, sqlx::query_as(APPLIED).fetch_one(readers).await),
            Self::Postgres(pool) => (&POSTGRES, sqlx::query_as(APPLIED).fetch_one(pool).await),
        };
        let newest = known.iter().last().map_or(0, |step| step.version);
        let (count, last): (i64, i64) = match applied {
            Ok(applied) => applied,
            // Before the first start there is no table of steps.
            Err(sqlx::Error::Database(_)) => (0, 0),
            Err(error) => return Err(error.into()),
        };
        let all = i64::try_from(known.iter().count()).unwrap_or(i64::MAX);
        Ok(if last > newest { -1 } else { all - count })
    }

    /// Opens a transaction that may write. SQLite takes its write lock at once, so that a transaction never fails
    /// half-way for want of it.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(Timed::begin(pool, "begin").await?),
        })
    }

    /// Opens a transaction that reads one moment of the database.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                Tx::Postgres(Timed::begin(pool, "begin isolation level repeatable read read only").await?)
            }
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        on!(&mut tx, |conn| sqlx::query("select 1").execute(conn).await.map(drop)?);
        Ok(())
    }

    /// Closes all connections; what was committed is safe.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Makes the file, or closes it to others: it holds what patients said.
fn private_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(sqlx::Error::Io)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().map_err(sqlx::Error::Io)?.permissions().mode();
        if mode & 0o077 != 0 {
            // Where it is another account's, it stays as that account wants it.
            if file.set_permissions(std::fs::Permissions::from_mode(mode & 0o700)).is_err() {
                tracing::warn!("others on this machine may read the database's file");
            }
        }
    }
    #[cfg(not(unix))]
    drop(file);
    Ok(())
}

fn sqlite_options(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("trusted_schema", "off")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_succeed_later_is_told_from_what_will_not() {
        for code in ["5", "517", "10", "1034", "13", "40P01", "40001", "57014", "55P03", "08006", "25P03"] {
            assert!(is_passing(code), "{code}");
        }
        for code in ["1", "19", "2067", "23505", "42601", "22P05"] {
            assert!(!is_passing(code), "{code}");
        }
    }
}
