//! What the audit has to know of is read while somebody else writes, written down, and only then answered.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;
use yunzhen::store::{Db, Tx};

use super::stage::{Answer, Site, Stage, Visit};
use crate::support::binary::Binary;
use crate::support::database;
use crate::support::sql::run;

/// Less than anybody waits for the one writer.
const MEANWHILE: Duration = Duration::from_secs(4);

/// A visit that has ended, with a signed note and a case report.
async fn ended(site: &Site) -> (Visit, String) {
    let visit = site.visit().await;
    let body = json!({ "version": 0, "content": { "diagnosis": "感冒", "advice": "多饮水" } });
    site.send(Method::PUT, &format!("/visits/{}/note", visit.id), &visit.doctor, Some(body), None).await.ok();
    site.post(&format!("/visits/{}/sign", visit.id), &visit.doctor, json!({ "version": 1 })).await.ok();
    let why = json!({ "reason": "疑似传染病" });
    let report = site.post(&format!("/visits/{}/case-report", visit.id), &visit.doctor, why).await.ok();
    site.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, json!({ "outcome": "home_care" })).await.ok();
    site.act(&format!("/visits/{}/end", visit.id), &visit.doctor).await.ok();
    (visit, report["id"].as_str().unwrap().to_owned())
}

/// Whether an entry of the log is a statement that holds `what`.
fn is_of(entry: &Value, what: &str) -> bool {
    let fields = &entry["fields"];
    [&fields["db.statement"], &fields["summary"]].iter().any(|text| text.as_str().is_some_and(|t| t.contains(what)))
}

/// Lets a server come so far that it has asked its database for `what`, while nobody gets an answer of it; then lets the
/// writer go, and gives the answer.
async fn answered_after(server: &Binary, what: &str, held: Tx, answer: impl Future<Output = Answer>) -> Answer {
    let mut answer = pin!(answer);
    let asked = async {
        while !server.logged().any(|entry| is_of(&entry, what)) {
            tokio::select! {
                biased;
                answer = &mut answer => panic!("it was answered before it was in the audit: {answer:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    };
    timeout(MEANWHILE, asked).await.unwrap_or_else(|_| panic!("it waits for the writer before it reads: {what}"));
    let early = futures_util::poll!(&mut answer);
    assert!(early.is_pending(), "it was answered before it was in the audit: {early:?}");
    drop(held);
    answer.await
}

/// How often somebody did this, by the audit.
async fn count(db: &Db, action: &str) -> i64 {
    let query = "select count(*) from audit where action = $1";
    let found = match db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(query).bind(action).fetch_one(readers).await,
        Db::Postgres(pool) => sqlx::query_scalar(query).bind(action).fetch_one(pool).await,
    };
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_read_while_somebody_else_writes_and_answered_when_it_is_in_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo"], folder.path(), &[("YUNZHEN_LOG", "info,sqlx::query=debug")]);
    let site = Site::at(&server.base);
    let (visit, report) = ended(&site).await;
    let admin = site.staff("admin").await;
    let db = Db::open(&format!("sqlite:{}", folder.path().join("yunzhen.db").display())).await.unwrap();
    let seal = json!({ "reason": "医疗纠纷" });
    let get = |path: String| (Method::GET, path, &visit.doctor, None);
    let views = [
        (get(format!("/visits/{}?purpose=continuity", visit.id)), "from amendment", "visit.read"),
        (get("/visits/mine".to_owned()), "'finished', 'transferred', 'emergency'", "visit.list"),
        (get(format!("/visits/{}/recordings", visit.id)), "from recording", "recording.list"),
        (get(format!("/case-reports/{report}")), "from case_report", "report.read"),
        ((Method::POST, format!("/visits/{}/seal", visit.id), &admin, Some(seal)), "from audit_day", "visit.seal"),
    ];
    for ((method, path, token, body), reads, action) in views {
        let before = count(&db, action).await;
        let held = db.begin().await.unwrap();
        // Nothing that was logged before this is taken for what is asked now.
        site.get("/formula-templates", &visit.doctor).await;
        let settled = async {
            while !server.logged().any(|entry| is_of(&entry, "from formula_template")) {
                tokio::task::yield_now().await;
            }
        };
        timeout(MEANWHILE, settled).await.expect("it is logged");
        let answer = answered_after(&server, reads, held, site.send(method, &path, token, body, None)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(count(&db, action).await, before + 1, "{action}");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_with_nothing_in_it_waits_for_nobody_who_writes() {
    let stage = Stage::open().await;
    let (doctor, pharmacist) = (stage.staff("doctor").await, stage.staff("pharmacist").await);
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let held = db.begin().await.unwrap();
    for (path, token) in [("/prescriptions/to-countersign", &doctor), ("/pharmacy/warned", &pharmacist)] {
        let empty = timeout(MEANWHILE, stage.get(path, token)).await.expect("nobody is waited for").ok();
        assert_eq!(empty, json!([]), "{path}");
    }
    drop(held);
    db.close().await;
}

/// What cannot be written down is answered by nobody; afterwards it is, once.
async fn without_the_audit(stage: &Stage, db: &Db) {
    let (visit, report) = ended(stage).await;
    let views = [
        (format!("/visits/{}?purpose=continuity", visit.id), "visit.read"),
        ("/visits/mine".to_owned(), "visit.list"),
        (format!("/visits/{}/recordings", visit.id), "recording.list"),
        (format!("/case-reports/{report}"), "report.read"),
    ];
    for (path, action) in views {
        let before = count(db, action).await;
        run(db, "alter table audit rename to audit_away").await;
        let refused = stage.get(&path, &visit.doctor).await;
        run(db, "alter table audit_away rename to audit").await;
        assert_eq!(refused.refusal(), (500, "server.internal"), "{path}: {}", refused.body);
        let said: Vec<&String> = refused.body.as_object().unwrap().keys().collect();
        assert_eq!(said, ["code", "message"], "{path}: nothing of it leaves");
        assert_eq!(count(db, action).await, before, "{action}");
        stage.get(&path, &visit.doctor).await.ok();
        assert_eq!(count(db, action).await, before + 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_audit_cannot_hold_is_answered_to_nobody() {
    let stage = Stage::open().await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    without_the_audit(&stage, &db).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_neither() {
    let Some(fresh) = database::postgres().await else { return };
    let stage = Stage::open_with(|config| config.database_url = Some(fresh.url.clone())).await;
    without_the_audit(&stage, &fresh.db).await;
    stage.server.stop().await;
    fresh.db.close().await;
}
