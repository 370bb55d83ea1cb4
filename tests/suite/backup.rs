//! A hospital that goes on working is backed up, and another that verifies itself comes of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::audit::{Entry, Kept};
use yunzhen::domain::hex::hex;
use yunzhen::domain::ids::InstitutionId;
use yunzhen::domain::signature::Algorithm;
use yunzhen::services::audit_days::Notary;
use yunzhen::services::backup::{self, BackupError, Hospital, Place, Told};
use yunzhen::services::recordings::{Archive, open_archive};
use yunzhen::services::vault::Vault;
use yunzhen::store::{Db, newest_step};

use crate::support::app::TestApp;
use crate::support::database;

const KEY: [u8; 32] = [3; 32];
/// The operator's secret of `TestApp`.
const SECRET: [u8; 32] = [7; 32];

fn films(folder: &Path) -> Archive {
    open_archive(None, &[], &folder.join("recordings")).unwrap()
}

fn kind(db: &Db) -> &'static str {
    match db {
        Db::Sqlite { .. } => "sqlite",
        Db::Postgres(_) => "postgres",
    }
}

/// Bytes of a picture that takes longer to seal than somebody needs for an entry.
const LARGE: usize = 4 * 1024 * 1024;

/// The folder of a hospital with pictures, a film, a secret, and two films in the spool that wait to be stored.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    for (place, bytes) in [
        ("attachments/0190aa", "picture"),
        ("recordings/2026/0190bb", "film"),
        ("spool/0190cc.done", "closed"),
        ("spool/0190dd.part", "growing"),
    ] {
        let path = folder.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    std::fs::write(folder.path().join("attachments/0190ab"), vec![7; LARGE]).unwrap();
    std::fs::write(folder.path().join("secret.key"), SECRET).unwrap();
    folder
}

async fn institution(db: &Db) -> InstitutionId {
    db.read().await.unwrap().institutions().all().await.unwrap()[0].id
}

/// Somebody works without a break; how many entries were acknowledged.
async fn load(db: Db, clock: Clock, acknowledged: Arc<AtomicI64>, stop: Arc<AtomicBool>) {
    let institution = institution(&db).await;
    while !stop.load(Ordering::SeqCst) {
        let mut tx = db.begin().await.unwrap();
        let entry = Entry {
            at: clock.now(),
            actor: "account_1".into(),
            action: "visit.read".into(),
            subject: "visit_1".into(),
            purpose: Some("treatment".into()),
            detail: json!({}),
        };
        let seq = tx.audit().append(institution, &entry).await.unwrap();
        tx.commit().await.unwrap();
        acknowledged.fetch_max(seq, Ordering::SeqCst);
        tokio::task::yield_now().await;
    }
}

/// The first entries of an institution's log.
async fn first(db: &Db, count: i64) -> Vec<Kept> {
    let institution = institution(db).await;
    let mut tx = db.read().await.unwrap();
    let (mut entries, mut last) = (Vec::new(), 0);
    while last < count {
        let page = tx.audit().page(institution, last).await.unwrap();
        let Some(end) = page.last() else { break };
        last = end.seq;
        entries.extend(page.into_iter().filter(|entry| entry.seq <= count));
    }
    entries
}

async fn restore(file: &Path, key: &[u8; 32], home: &Path, server: Option<&Db>) -> Result<Told, BackupError> {
    let (archive, ids) = (films(home), Ids::system(Clock::System));
    let step = newest_step(if server.is_some() { "postgres" } else { "sqlite" });
    let place = Place { server, file: home.join("yunzhen.db"), data_dir: home, archive: &archive, step, ids: &ids };
    backup::read(file, key, &place).await
}

/// The rehearsal: `target` is an empty database of the same kind, or nothing for a file.
async fn rehearse(db: Db, target: Option<&Db>) {
    let app = TestApp::over(db.clone(), false).await;
    app.services.seal_audit_days().await.unwrap();
    let home = folder();
    let (acknowledged, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let tasks = TaskTracker::new();
    let writers: Vec<_> = (0..2)
        .map(|_| tasks.spawn(load(db.clone(), app.clock.clone(), Arc::clone(&acknowledged), Arc::clone(&stop))))
        .collect();
    while acknowledged.load(Ordering::SeqCst) < 20 {
        tokio::task::yield_now().await;
    }
    let before = acknowledged.load(Ordering::SeqCst);
    let away = TempDir::new().unwrap();
    let file = away.path().join("backup");
    let (archive, ids) = (films(home.path()), Ids::system(Clock::System));
    let hospital = Hospital { db: &db, data_dir: home.path(), archive: &archive, ids: &ids };
    let told = backup::write(&hospital, app.clock.now(), &KEY, &file).await.unwrap();
    assert!(told.files >= 7, "{told:?}");
    let meanwhile = acknowledged.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(meanwhile > before, "work went on between the beginning and the end: {before} and {meanwhile}");
    let at_last = acknowledged.load(Ordering::SeqCst);
    let leftovers = std::fs::read_dir(home.path()).unwrap().filter_map(Result::ok);
    assert!(leftovers.into_iter().all(|one| !one.file_name().to_string_lossy().starts_with("copying")));

    let elsewhere = TempDir::new().unwrap();
    assert!(restore(&file, &[4; 32], elsewhere.path(), target).await.is_err(), "another key");
    restore(&file, &KEY, elsewhere.path(), target).await.unwrap();
    let read = |place: &str| std::fs::read(elsewhere.path().join(place)).unwrap();
    assert_eq!(read("attachments/0190aa"), b"picture");
    assert!(read("attachments/0190ab") == vec![7; LARGE]);
    assert_eq!(read("recordings/2026/0190bb"), b"film");
    assert_eq!((read("spool/0190cc.done"), read("spool/0190dd.part")), (b"closed".to_vec(), b"growing".to_vec()));
    assert_eq!(read("secret.key"), SECRET);
    let opened = match target {
        Some(db) => db.clone(),
        None => Db::open(&format!("sqlite:{}", elsewhere.path().join("yunzhen.db").display())).await.unwrap(),
    };
    assert_eq!(opened.lacks().await.unwrap(), 0);
    let vault = Vault::new(&read("secret.key"), ids.clone());
    let notary = Notary { db: &opened, vault: &vault, ids: &ids, signing: Algorithm::default() };
    let logs = notary.verify().await.unwrap();
    let entries = logs.iter().map(|log| log.found.clone().unwrap()).max().unwrap();
    assert!(entries >= before, "what was acknowledged before the backup began is there: {entries} of {before}");
    assert!(entries <= at_last, "and nothing that was never written");
    // One moment: the entries are the first ones of the hospital that went on, letter by letter, and none is left out.
    let there = first(&opened, i64::MAX).await;
    assert_eq!(i64::try_from(there.len()).unwrap(), entries);
    assert!(there == first(&db, entries).await, "what was written before is there as it was");
    notary.verify_signatures().await.unwrap().unwrap();
    // And it works: the chain goes on from where it was.
    let mut tx = opened.begin().await.unwrap();
    let id = tx.institutions().all().await.unwrap()[0].id;
    let entry = Entry {
        at: app.clock.now(),
        actor: "account_1".into(),
        action: "visit.read".into(),
        subject: "visit_2".into(),
        purpose: None,
        detail: json!({}),
    };
    tx.audit().append(id, &entry).await.unwrap();
    tx.commit().await.unwrap();
    assert!(notary.verify().await.unwrap().iter().all(|log| log.found.is_ok()));
    // A place in use is nobody's to write over.
    let again = restore(&file, &KEY, elsewhere.path(), target).await;
    assert!(matches!(again, Err(BackupError::Used(_))), "{again:?}");
    assert_eq!(kind(&opened), kind(&db));
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_to_a_hospital_that_verifies_itself_sqlite() {
    let fresh = database::sqlite().await;
    rehearse(fresh.db.clone(), None).await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_restores_to_a_hospital_that_verifies_itself_postgres() {
    let Some(fresh) = database::postgres().await else { return };
    let Some(target) = database::postgres().await else { return };
    rehearse(fresh.db.clone(), Some(&target.db)).await;
    fresh.db.close().await;
}

#[tokio::test]
async fn a_backup_that_was_changed_restores_nothing() {
    let fresh = database::sqlite().await;
    let app = TestApp::over(fresh.db.clone(), false).await;
    let home = folder();
    let away = TempDir::new().unwrap();
    let file = away.path().join("backup");
    let (archive, ids) = (films(home.path()), Ids::system(Clock::System));
    let hospital = Hospital { db: &fresh.db, data_dir: home.path(), archive: &archive, ids: &ids };
    backup::write(&hospital, app.clock.now(), &KEY, &file).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    for (at, what) in [(0, "head"), (30, "first chunk"), (whole.len() / 2, "middle"), (whole.len() - 1, "end")] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(&file, &changed).unwrap();
        let elsewhere = TempDir::new().unwrap();
        assert!(restore(&file, &KEY, elsewhere.path(), None).await.is_err(), "{what}");
        assert!(!elsewhere.path().join("yunzhen.db").exists(), "{what}: nothing is in force");
    }
    std::fs::write(&file, &whole[..whole.len() - 100]).unwrap();
    let elsewhere = TempDir::new().unwrap();
    assert!(restore(&file, &KEY, elsewhere.path(), None).await.is_err(), "cut off");
    assert!(!elsewhere.path().join("yunzhen.db").exists());
    let second = backup::write(&hospital, app.clock.now(), &KEY, &file).await;
    assert!(second.is_err(), "an older backup is not written over");
    assert!(!hex(&whole).contains(&hex("演示".as_bytes())), "nothing is in clear");
}
