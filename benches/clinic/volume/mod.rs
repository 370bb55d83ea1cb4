//! How long every page of the API document takes when a million visits are in the database: as many as
//! `YUNZHEN_BENCH_VISITS` says.
//!
//! One visit is led through the doors of the real server; [`grow`] makes many of it; then the server serves them, and
//! every page is asked by everybody who may read it.

mod ask;
mod grow;
mod lead;

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::child::Server as Child;
use crate::postgres::Server;
use crate::stage::Site;
use crate::{folder, load, programs};
use grow::Loader;

const VISITS: i64 = 1_000_000;
/// Earlier visits of the patient who is there.
const HISTORY: u32 = 10;
/// What loading needs of PostgreSQL; its commits stay as production's are.
const LOADS: [&str; 3] = ["max_wal_size=1GB", "maintenance_work_mem=512MB", "shared_buffers=1GB"];

/// Measures SQLite, and PostgreSQL when there is one; `sqlite` or `postgres` in `YUNZHEN_BENCH_DATABASE` one alone.
pub async fn run() {
    let told = |name: &str| std::env::var(name).ok();
    let count = told("YUNZHEN_BENCH_VISITS").map_or(VISITS, |text| text.parse().expect("a number of visits"));
    let only = told("YUNZHEN_BENCH_DATABASE");
    println!("\nevery page of the API document with {count} visits in the database, load {}", load());
    if only.as_deref() != Some("postgres") {
        let folder = folder();
        println!("\nSQLite");
        measure(folder.path(), None, count).await;
    }
    if only.as_deref() != Some("sqlite") {
        match Server::shared(&LOADS) {
            Ok(server) => {
                let folder = folder();
                println!("\nPostgreSQL");
                measure(folder.path(), Some(server.options()), count).await;
            }
            Err(missing) => programs::skip("every page with many visits on PostgreSQL", &missing),
        }
    }
}

async fn measure(folder: &Path, postgres: Option<PgConnectOptions>, count: i64) {
    let url = postgres.as_ref().map(|options| options.to_url_lossy().to_string());
    let file = folder.join("yunzhen.db");
    let server = Child::start_as("demo", folder, url.as_deref()).await;
    let before = lead::whole(&Site::at(&format!("http://{}", server.http))).await;
    server.stop().await;
    let mut loader = if let Some(options) = postgres {
        let options = options.options([("session_replication_role", "replica"), ("synchronous_commit", "off")]);
        Loader::Postgres(options.connect().await.unwrap())
    } else {
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{}", file.display())).unwrap();
        let options = options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
        let options = options.foreign_keys(false).pragma("cache_size", "-800000").pragma("temp_store", "memory");
        Loader::Sqlite(sqlx::SqliteConnection::connect_with(&options).await.unwrap())
    };
    grow::grow(&mut loader, count).await;
    if let Some(size) = loader.size().await {
        println!("  {size} MB");
    }
    loader.close().await;
    let server = Child::start_as("demo", folder, url.as_deref()).await;
    println!("  ready after {} ms, load {}", server.ready_after.as_millis(), load());
    let site = Site::at(&format!("http://{}", server.http));
    let now = lead::again(&site, HISTORY).await;
    ask::every_page(&server, &site, &before, &now).await;
    server.stop().await;
}
