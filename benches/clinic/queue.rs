//! How many patients a second are called, durably: idempotency row, ticket, desk, event rows, commit. Beside it what a
//! commit costs on the same database by itself: one row inserted, made durable.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use sqlx::AssertSqlSafe;
use tokio::task::JoinSet;
use yunzhen::services::desk::calling::CallAct;
use yunzhen::services::work::Command;
use yunzhen::store::{Db, Tx};

use crate::figures::Spread;
use crate::hospital::{Desk, Hospital};
use crate::postgres::Server;
use crate::{folder, programs};

/// Rounds of each load; an odd number has a middle.
pub const ROUNDS: usize = 7;
/// Calls of a round.
pub const CALLS: usize = 240;
/// Desks that call at once, and clinics that do.
const MANY: usize = 8;

/// Who calls.
#[derive(Clone, Copy)]
struct Load {
    name: &'static str,
    hands: usize,
    clinics: usize,
}

const LOADS: [Load; 3] = [
    Load { name: "one desk", hands: 1, clinics: 1 },
    Load { name: "8 desks of one clinic", hands: MANY, clinics: 1 },
    Load { name: "8 desks of 8 clinics", hands: MANY, clinics: MANY },
];

/// Measures SQLite, and PostgreSQL when there is one.
pub async fn run() {
    println!("\ndurable call-next per second, median (lowest–highest) of {ROUNDS} rounds of {CALLS} calls");
    let folder = folder();
    let url = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    measure("SQLite", Db::open(&url).await.unwrap()).await;
    match Server::shared(&[]) {
        Ok(server) => measure("PostgreSQL", Db::postgres(server.options()).await.unwrap()).await,
        Err(missing) => programs::skip("durable call-next per second on PostgreSQL", &missing),
    }
}

async fn measure(database: &str, db: Db) {
    let mut hospital = Hospital::open(db.clone()).await;
    run_statement(&db, "create table if not exists bare (id bigint primary key, at bigint not null)").await;
    let desks = Arc::new(open_clinics(&mut hospital).await);
    println!("\n{database:<12} {:<24} {:<20} {:<20} call/commit", "", "call-next", "bare commit");
    for load in LOADS {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let commits = bare(&db, load.hands).await;
            let calls = call(&hospital, &desks, load).await;
            for (runs, figure) in rounds.iter_mut().zip([calls, commits, calls / commits]) {
                runs.push(figure);
            }
        }
        let [calls, commits, ratio] = rounds.map(|runs| Spread::of(&runs));
        let (calls, commits) = (format!("{calls:.0}"), format!("{commits:.0}"));
        println!("{:<12} {:<24} {calls:<20} {commits:<20} {ratio:.2}", "", load.name);
    }
    db.close().await;
}

/// The desks of each clinic; as many patients wait as there are desks, for a doctor has one patient at a time.
async fn open_clinics(hospital: &mut Hospital) -> Vec<Vec<Desk>> {
    let mut clinics = vec![Vec::new(); MANY];
    for (at, desks) in clinics.iter_mut().enumerate() {
        let (clinic, size) = if at == 0 { (hospital.fever(), CALLS) } else { (hospital.clinic().await, CALLS / MANY) };
        for _ in 0..size {
            desks.push(hospital.desk(clinic.id).await);
            hospital.patient(&clinic.link_token).await;
        }
    }
    clinics
}

/// One round; calls per second. Afterwards all are taken back, unmeasured.
async fn call(hospital: &Hospital, desks: &Arc<Vec<Vec<Desk>>>, load: Load) -> f64 {
    let before = (count(&hospital.db, "event").await, count(&hospital.db, "idem").await);
    let mut hands = JoinSet::new();
    let begun = Instant::now();
    for hand in 0..load.hands {
        let (services, desks) = (Arc::clone(&hospital.services), Arc::clone(desks));
        hands.spawn(async move {
            let each = CALLS / load.hands;
            let (clinic, first) = if load.clinics == 1 { (0, hand * each) } else { (hand, 0) };
            let mut called = Vec::with_capacity(each);
            for desk in &desks[clinic][first..first + each] {
                let key = Some(services.ids.uuid().to_string());
                let command = Command { actor: desk.doctor.key(), key, hash: vec![0; 32] };
                let act = desk.doctor.doctor().unwrap();
                let view = services.call_next(act, desk.id, &command).await.unwrap();
                called.push((*desk, view.current.unwrap().version));
            }
            called
        });
    }
    let called = hands.join_all().await.concat();
    let took = begun.elapsed();
    let after = (count(&hospital.db, "event").await, count(&hospital.db, "idem").await);
    let all = i64::try_from(CALLS).unwrap();
    // The ticket's and the desk's event, each to its own topic and to the clinic's; and one key.
    assert_eq!((after.0 - before.0, after.1 - before.1), (4 * all, all), "the rows of every call");
    for (desk, version) in called {
        let (act, once) = (desk.doctor.doctor().unwrap(), Command::once(desk.doctor));
        hospital.services.act_on_call(act, desk.id, CallAct::Cancel, version, &once).await.unwrap();
    }
    per_second(took)
}

/// One row, made durable in a transaction of its own.
pub async fn insert_bare(db: Db) {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let id = LAST.fetch_add(1, Ordering::Relaxed);
    let insert = "insert into bare (id, at) values ($1, $2)";
    let mut tx = db.begin().await.unwrap();
    match &mut tx {
        Tx::Sqlite(tx) => drop(sqlx::query(insert).bind(id).bind(id).execute(&mut **tx).await.unwrap()),
        Tx::Postgres(tx) => drop(sqlx::query(insert).bind(id).bind(id).execute(&mut **tx).await.unwrap()),
    }
    tx.commit().await.unwrap();
}

/// One round of commits of one row, by as many hands as call; commits per second.
pub async fn bare(db: &Db, hands: usize) -> f64 {
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..hands {
        let db = db.clone();
        tasks.spawn(async move {
            for _ in 0..CALLS / hands {
                insert_bare(db.clone()).await;
            }
        });
    }
    tasks.join_all().await;
    per_second(begun.elapsed())
}

/// How many there were in a second.
#[expect(clippy::cast_precision_loss, reason = "a few hundred calls")]
pub fn per_second(took: std::time::Duration) -> f64 {
    CALLS as f64 / took.as_secs_f64()
}

/// Runs one statement.
pub async fn run_statement(db: &Db, statement: &'static str) {
    match db {
        Db::Sqlite { writer, .. } => drop(sqlx::query(statement).execute(writer).await.unwrap()),
        Db::Postgres(pool) => drop(sqlx::query(statement).execute(pool).await.unwrap()),
    }
}

async fn count(db: &Db, table: &str) -> i64 {
    let statement = AssertSqlSafe(format!("select count(*) from {table}"));
    match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(statement).fetch_one(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(statement).fetch_one(pool).await.unwrap(),
    }
}
