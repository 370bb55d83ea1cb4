//! The database: opened, brought up to date, and asked for transactions.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use crate::store::deadline::{self, Timed};
use crate::store::{Result, StoreError, Tx, on};

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

pub(crate) static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
pub(crate) static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Whether the table of steps is there: before the first start there is none.
const TABLE_SQLITE: &str =
    "select exists (select 1 from sqlite_master where type = 'table' and name = '_sqlx_migrations')";
const TABLE_POSTGRES: &str = "select to_regclass('_sqlx_migrations') is not null";
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
        let known: &sqlx::migrate::Migrator = match self {
            Self::Sqlite { .. } => &SQLITE,
            Self::Postgres(_) => &POSTGRES,
        };
        let newest = known.iter().last().map_or(0, |step| step.version);
        let (count, last): (i64, i64) = if self.is_empty().await? {
            (0, 0)
        } else {
            match self {
                Self::Sqlite { readers, .. } => sqlx::query_as(APPLIED).fetch_one(readers).await?,
                Self::Postgres(pool) => sqlx::query_as(APPLIED).fetch_one(pool).await?,
            }
        };
        let all = i64::try_from(known.iter().count()).unwrap_or(i64::MAX);
        Ok(if last > newest { -1 } else { all - count })
    }

    /// Whether no table of ours was ever made in it. That it does not answer is an error, and not emptiness.
    pub async fn is_empty(&self) -> Result<bool> {
        let has_table: bool = match self {
            Self::Sqlite { readers, .. } => sqlx::query_scalar(TABLE_SQLITE).fetch_one(readers).await?,
            Self::Postgres(pool) => sqlx::query_scalar(TABLE_POSTGRES).fetch_one(pool).await?,
        };
        Ok(!has_table)
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
