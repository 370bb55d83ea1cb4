//! One moment of the whole database as files, and a database from such files.
//!
//! Writers go on meanwhile: SQLite copies within a reading transaction, PostgreSQL reads under *repeatable read*.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tokio::io::AsyncWriteExt as _;

use crate::store::{Db, POSTGRES, Result, SQLITE, StoreError};

/// A file of a copy, with the name that it has in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// `yunzhen.db`, or `postgres/<table>`.
    pub name: String,
    /// Where it is now.
    pub path: PathBuf,
}

/// The file of a SQLite in a backup.
pub const SQLITE_NAME: &str = "yunzhen.db";
/// The folder of PostgreSQL's tables in a backup.
pub const POSTGRES_FOLDER: &str = "postgres/";

fn disk(error: &std::io::Error) -> StoreError {
    StoreError::Other(format!("the copy cannot be kept: {error}"))
}

/// The number of the newest step of the tables that this program knows, of `sqlite` or `postgres`.
pub fn newest_step(database: &str) -> i64 {
    let known = if database == "postgres" { &POSTGRES } else { &SQLITE };
    known.iter().last().map_or(0, |step| step.version)
}

impl Db {
    /// Copies one moment of the database into an empty folder.
    pub async fn copy_to(&self, folder: &Path) -> Result<Vec<Copied>> {
        match self {
            Self::Sqlite { writer, .. } => {
                let path = folder.join(SQLITE_NAME);
                // A connection of its own: the writer stays free for those who write.
                let options = writer.connect_options();
                let mut connection: SqliteConnection = options.connect().await?;
                let target = path.display().to_string();
                sqlx::query("vacuum into $1").bind(target).execute(&mut connection).await?;
                connection.close().await?;
                Ok(vec![Copied { name: SQLITE_NAME.to_owned(), path }])
            }
            Self::Postgres(pool) => {
                let mut tx = pool.begin_with("begin isolation level repeatable read read only").await?;
                // A hospital's years take longer to read than any patient's page.
                for hurry in ["statement_timeout", "idle_in_transaction_session_timeout"] {
                    sqlx::query(AssertSqlSafe(format!("set local {hurry} = 0"))).execute(&mut *tx).await?;
                }
                let mut copied = Vec::new();
                for table in tables(&mut tx).await? {
                    let path = folder.join(&table);
                    let file = tokio::fs::File::create(&path).await.map_err(|e| disk(&e))?;
                    let mut file = tokio::io::BufWriter::new(file);
                    let statement = format!("copy (select * from \"{table}\") to stdout");
                    let mut rows = tx.copy_out_raw(&statement).await?;
                    while let Some(bytes) = rows.try_next().await? {
                        file.write_all(&bytes).await.map_err(|e| disk(&e))?;
                    }
                    drop(rows);
                    file.flush().await.map_err(|e| disk(&e))?;
                    copied.push(Copied { name: format!("{POSTGRES_FOLDER}{table}"), path });
                }
                tx.commit().await?;
                Ok(copied)
            }
        }
    }

    /// Fills the empty, migrated tables of a PostgreSQL from such files, all or none.
    pub async fn fill_from(&self, files: &[Copied]) -> Result<()> {
        let Self::Postgres(pool) = self else {
            return Err(StoreError::Other("a file takes the place of a file; it is not filled".to_owned()));
        };
        let mut tx = pool.begin().await?;
        for hurry in ["statement_timeout", "idle_in_transaction_session_timeout"] {
            sqlx::query(AssertSqlSafe(format!("set local {hurry} = 0"))).execute(&mut *tx).await?;
        }
        let order = by_reference(&mut tx).await?;
        if files.iter().any(|file| !order.iter().any(|table| file.name == format!("{POSTGRES_FOLDER}{table}"))) {
            return Err(StoreError::Other("the backup holds a table that this program has not".to_owned()));
        }
        for table in order {
            let name = format!("{POSTGRES_FOLDER}{table}");
            let Some(file) = files.iter().find(|file| file.name == name) else { continue };
            let source = tokio::fs::File::open(&file.path).await.map_err(|e| disk(&e))?;
            let mut rows = tx.copy_in_raw(&format!("copy \"{table}\" from stdin")).await?;
            rows.read_from(source).await?;
            rows.finish().await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether there is an institution already: such a database is nobody's to write over.
    pub async fn is_used(&self) -> Result<bool> {
        Ok(self.read().await?.institutions().count().await? > 0)
    }
}

/// Our tables, without the list of steps: a database that is filled has made its own.
async fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "select table_name::text
         from information_schema.tables
         where table_schema = current_schema() and table_type = 'BASE TABLE' and table_name <> '_sqlx_migrations'
         order by table_name",
    )
    .fetch_all(conn)
    .await?)
}

/// The tables, each after those that it refers to.
async fn by_reference(conn: &mut PgConnection) -> Result<Vec<String>> {
    let mut waiting = tables(conn).await?;
    let references: Vec<(String, String)> = sqlx::query_as(
        "select c.conrelid::regclass::text, c.confrelid::regclass::text
         from pg_constraint c
         join pg_namespace n on n.oid = c.connamespace
         where c.contype = 'f' and n.nspname = current_schema() and c.conrelid <> c.confrelid",
    )
    .fetch_all(conn)
    .await?;
    let mut order: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let waits = |table: &String, waiting: &[String]| {
            references
                .iter()
                .any(|(from, to)| from.trim_matches('"') == table && waiting.iter().any(|w| w == to.trim_matches('"')))
        };
        let (later, now): (Vec<_>, Vec<_>) = waiting.iter().cloned().partition(|table| waits(table, &waiting));
        if now.is_empty() {
            return Err(StoreError::Other("tables refer to each other in a circle".to_owned()));
        }
        order.extend(now);
        waiting = later;
    }
    Ok(order)
}
