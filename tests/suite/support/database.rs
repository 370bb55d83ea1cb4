//! Fresh databases, migrated, that nobody else sees.

use std::sync::Once;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use yunzhen::clock::{Clock, Ids};
pub use yunzhen::store::Db;

use crate::programs;
use crate::support::postgres::Server;

/// Tests do not survive a power loss: their commits need not be on the disk.
const LOOSE: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// A database and what must live as long as it.
pub struct Fresh {
    /// The database.
    pub db: Db,
    /// Where a server finds it.
    pub url: String,
    folder: Option<TempDir>,
}

impl Fresh {
    /// The file of a SQLite.
    pub fn path(&self) -> std::path::PathBuf {
        self.folder.as_ref().expect("only SQLite has a file").path().join("yunzhen.db")
    }
}

/// A SQLite file, opened as the server opens its own: one writer, several readers.
pub async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let url = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    let db = Db::open(&url).await.expect("a file opens");
    db.migrate().await.expect("the migrations run");
    Fresh { db, url, folder: Some(folder) }
}

/// A schema of its own in this process's PostgreSQL, or in that of `TEST_POSTGRES_URL`; `None`, said loudly, when there
/// is no PostgreSQL.
pub async fn postgres() -> Option<Fresh> {
    let server = match server() {
        Ok(options) => options,
        Err(missing) => {
            skip(&missing);
            return None;
        }
    };
    let schema = format!("test_{}", Ids::system(Clock::System).uuid().simple());
    let mut admin = PgConnection::connect_with(&server).await.expect("the server answers");
    let create = sqlx::AssertSqlSafe(format!("create schema {schema}"));
    sqlx::query(create).execute(&mut admin).await.expect("a schema can be made");
    admin.close().await.expect("a connection closes");
    // A test that waits for a lock for ever should fail, not hang.
    let mut url = server.to_url_lossy();
    url.query_pairs_mut().append_pair("options", &format!("-c search_path={schema} -c lock_timeout=30s"));
    let options = server.options([("search_path", schema.as_str()), ("lock_timeout", "30s")]);
    let db = Db::postgres(options).await.expect("the schema opens");
    db.migrate().await.expect("the migrations run");
    Some(Fresh { db, url: url.to_string(), folder: None })
}

fn server() -> Result<PgConnectOptions, String> {
    match std::env::var_os("TEST_POSTGRES_URL") {
        Some(url) => Ok(url.to_str().and_then(|url| url.parse().ok()).expect("TEST_POSTGRES_URL is postgres://…")),
        None => Server::shared(&LOOSE).map(Server::options),
    }
}

/// Says once what is not proved here; fails each time where everything must be proved.
fn skip(missing: &str) {
    static SAID: Once = Once::new();
    let what = "every test of the store on PostgreSQL";
    if programs::everything_is_required() {
        programs::skip(what, missing);
    }
    SAID.call_once(|| programs::skip(what, missing));
}
