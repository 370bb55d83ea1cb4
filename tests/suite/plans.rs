//! No query reads a table from end to end: what the real server asked of its database while everything was read and
//! commanded, and what its sweeps and its tidying asked besides, planned again on both databases.

mod commanding;

use std::collections::BTreeSet;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgPool, SqliteConnection};
use yunzhen::clock::Clock;
use yunzhen::domain::date::in_china;
use yunzhen::store::Db;

use crate::clinic::stage::{LINK, Site};
use crate::support::binary::Binary;
use crate::support::database;

/// Tables that grow with the hospital and not with its patients.
const SMALL: [&str; 6] = ["institution", "clinic", "desk", "account", "notice", "signing_key"];

/// What a list needs to be asked for; without it nothing reaches the database.
const QUERIES: [(&str, &str); 2] = [("/slots", "link=demo-tcm-clinic"), ("/tickets/current", "link=demo-fever-clinic")];

/// A page's path on something that is there; what nobody made is looked for under an id that nobody has.
fn filled(template: &str, ids: &[(&str, String)]) -> String {
    // What is mine is the same thing under another path.
    let of = template.trim_start_matches("/me").split('/').nth(1).unwrap_or_default();
    let nobody = "01920000-0000-7000-8000-000000000000";
    let id = ids.iter().find(|(name, _)| *name == of).map_or(nobody, |(_, id)| id);
    let version = if of == "questionnaires" { "current" } else { "1" };
    // The one of a calendar leads to an appointment; a document's is looked for by its hash, whatever it is.
    let token = ids.iter().find(|(name, _)| *name == "token").map_or("AAAAAAAAAAAAAAAAAAAAAA", |(_, token)| token);
    let day = in_china(Clock::System.now()).to_string();
    let path = template
        .replace("{id}", id)
        .replace("{link}", LINK)
        .replace("{version}", version)
        .replace("{token}", token)
        .replace("{day}", &day);
    assert!(!path.contains('{'), "{path}: nobody said what stands there");
    match QUERIES.iter().find(|(of, _)| *of == template) {
        Some((_, query)) => format!("{path}?{query}"),
        None => path,
    }
}

/// Everything that the server asked while a visit was led, every page of the document was read and every command given;
/// the tidying of its first second is in it.
async fn asked(folder: &Path) -> BTreeSet<String> {
    let server = Binary::start(&["demo"], folder, &[("YUNZHEN_LOG", "info,sqlx::query=debug")]);
    let site = Site::at(&server.base);
    let visit = site.visit().await;
    let me = site.get("/desks/mine", &visit.doctor).await.ok();
    let id = |value: &Value| value.as_str().unwrap_or("nothing").to_owned();
    let patients = site.get("/patients", &visit.patient).await.ok();
    let slots = site.get("/slots?link=demo-tcm-clinic", "").await.ok();
    let free = slots["slots"].as_array().unwrap().iter().find(|slot| slot["free"].as_u64() > Some(0)).unwrap();
    let book = json!({ "slot": free["id"], "patient": patients[0]["id"] });
    let booked = id(&site.post("/appointments", &visit.patient, book).await.ok()["id"]);
    let link = site.get(&format!("/appointments/{booked}/calendar-link"), &visit.patient).await.ok();
    let token = link["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let ids = [
        ("appointments", booked),
        ("token", token),
        ("patients", id(&patients[0]["id"])),
        ("tickets", visit.ticket.clone()),
        ("desks", visit.desk.clone()),
        ("visits", visit.id.clone()),
        ("clinics", id(&me["clinic"])),
        ("declarations", id(&me["current"]["declaration"])),
    ];
    let mut tokens = vec![visit.doctor.clone(), visit.patient.clone()];
    tokens.extend(join_all(["nurse", "pharmacist", "admin"].map(|name| site.staff(name))).await);
    let document: Value = serde_json::from_str(&yunzhen::app::openapi()).unwrap();
    for (template, item) in document["paths"].as_object().unwrap() {
        if item["get"].is_null() {
            continue;
        }
        let template = template.trim_start_matches("/api/v1");
        let path = filled(template, &ids);
        for token in &tokens {
            let answer = site.get(&path, token).await;
            assert!(answer.status < 500, "{path}: {}", answer.body);
        }
    }
    commanding::everything(&site, &visit).await;
    server.logged().filter_map(|entry| statement(&entry["fields"])).collect()
}

/// The whole text of a statement that reads or changes rows that are there.
fn statement(fields: &Value) -> Option<String> {
    let whole = fields["db.statement"].as_str().filter(|text| !text.trim().is_empty());
    let text = whole.or_else(|| fields["summary"].as_str())?.trim();
    let reads = ["select", "with", "update", "delete"].iter().any(|word| text.starts_with(word));
    reads.then(|| text.to_owned())
}

/// The tables that SQLite would read from end to end. An index over a part of the rows is as good as a search in it.
async fn scanned_by_sqlite(conn: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let names = "select name from sqlite_master where type = 'table'";
    let tables: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *conn).await.unwrap();
    let names = "select name from sqlite_master where type = 'index' and sql like '% where %'";
    let partial: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *conn).await.unwrap();
    let explain = AssertSqlSafe(format!("explain query plan {statement}"));
    let steps: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain).fetch_all(&mut *conn).await.unwrap();
    let is_whole = |step: &&String| {
        let Some(rest) = step.strip_prefix("SCAN ") else { return false };
        let name = rest.split(' ').next().unwrap_or_default();
        let index = rest.split(' ').next_back().unwrap_or_default();
        // What is no table's name or alias is a part of the query itself.
        let table = tables.iter().find(|table| *table == name || is_called(statement, table, name));
        table.is_some_and(|table| !SMALL.contains(&table.as_str())) && !partial.iter().any(|name| name == index)
    };
    let steps: Vec<String> = steps.into_iter().map(|(.., step)| step).collect();
    steps.iter().filter(is_whole).cloned().collect()
}

fn is_called(statement: &str, table: &str, alias: &str) -> bool {
    [format!(" {table} {alias}"), format!(" {table} as {alias}")].iter().any(|text| statement.contains(text))
}

/// The tables that PostgreSQL would read from end to end although it was asked not to.
async fn scanned_by_postgres(pool: &PgPool, statement: &str) -> Vec<String> {
    let mut tx = pool.begin().await.unwrap();
    let count = (1..=40).rev().find(|n| statement.contains(&format!("${n}"))).unwrap_or(0);
    let nulls = vec!["null"; count].join(", ");
    let arguments = if count == 0 { String::new() } else { format!("({nulls})") };
    for setting in ["set local enable_seqscan = off", "set local plan_cache_mode = force_generic_plan"] {
        sqlx::query(setting).execute(&mut *tx).await.unwrap();
    }
    let prepare = AssertSqlSafe(format!("prepare asked as {statement}"));
    // The spelling for the other database.
    if sqlx::raw_sql(prepare).execute(&mut *tx).await.is_err() {
        return Vec::new();
    }
    let explain = AssertSqlSafe(format!("explain (format json) execute asked{arguments}"));
    let plan: Value = sqlx::query_scalar(explain).fetch_one(&mut *tx).await.unwrap();
    sqlx::raw_sql("deallocate asked").execute(&mut *tx).await.unwrap();
    let mut found = Vec::new();
    let mut open = vec![&plan[0]["Plan"]];
    while let Some(node) = open.pop() {
        open.extend(node["Plans"].as_array().into_iter().flatten());
        let table = node["Relation Name"].as_str().unwrap_or_default();
        if node["Node Type"] == "Seq Scan" && !SMALL.contains(&table) {
            found.push(format!("Seq Scan on {table}"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screens_query_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let statements = asked(folder.path()).await;
    assert!(statements.len() >= 40, "only {} statements were seen", statements.len());
    let file = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    let mut sqlite = SqliteConnection::connect(&file).await.unwrap();
    let fresh = database::postgres().await;
    let mut faults = Vec::new();
    for statement in &statements {
        let mut steps = scanned_by_sqlite(&mut sqlite, statement).await;
        if let Some(Db::Postgres(pool)) = fresh.as_ref().map(|fresh| &fresh.db) {
            steps.extend(scanned_by_postgres(pool, statement).await);
        }
        if !steps.is_empty() {
            faults.push(format!("{steps:?}\n{statement}"));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n\n{}", faults.len(), statements.len(), faults.join("\n\n"));
}
