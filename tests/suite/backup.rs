//! A hospital that goes on working is backed up, and another that verifies itself comes of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::audit::{Entry, Kept};
use yunzhen::domain::hex::hex;
use yunzhen::domain::ids::{AttachmentId, InstitutionId};
use yunzhen::domain::signature::Algorithm;
use yunzhen::services::audit::Notary;
use yunzhen::services::backup::{self, BackupError, Place, Told};
use yunzhen::services::recordings::{Archive, open_archive};
use yunzhen::services::signing::Choice;
use yunzhen::services::vault::Vault;
use yunzhen::store::{AttachmentRow, Db, VisitRow, newest_step};

use crate::support::app::TestApp;
use crate::support::database;
use crate::support::hospital::Hospital;
use crate::support::visiting::visit;

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

/// Pictures that are old enough to go.
const OLD: u8 = 12;

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

fn place(id: AttachmentId) -> String {
    format!("attachments/{}", id.as_uuid().simple())
}

/// A picture of a visit: the file first, then the row, as the server does it.
async fn draw(hospital: &Hospital, home: &Path, visit: &VisitRow) -> AttachmentId {
    let id = hospital.ids.make(AttachmentId::from_uuid);
    std::fs::write(home.join(place(id)), place(id)).unwrap();
    let row = AttachmentRow {
        id,
        institution_id: hospital.institution,
        visit_id: visit.id,
        sender: "holder_1".into(),
        mime: "image/png".into(),
        size: 32,
        sha256: "00".repeat(32),
        at: hospital.now(),
    };
    hospital.write(async |tx| tx.messages().attach(&row).await.unwrap()).await;
    id
}

/// Old pictures go, each with its file first, as retention does it, and new ones come; how many have gone.
async fn come_and_go(
    hospital: Hospital,
    home: PathBuf,
    old: Vec<(AttachmentId, VisitRow)>,
    (gone, stop): (Arc<AtomicI64>, Arc<AtomicBool>),
) {
    let mut old = old.into_iter();
    while !stop.load(Ordering::SeqCst) {
        let Some((id, visit)) = old.next() else {
            tokio::task::yield_now().await;
            continue;
        };
        std::fs::remove_file(home.join(place(id))).unwrap();
        // The copy may be made in this moment.
        tokio::task::yield_now().await;
        hospital.write(async |tx| tx.messages().forget(visit.id).await.unwrap()).await;
        for _ in 0..3 {
            draw(&hospital, &home, &visit).await;
        }
        gone.fetch_add(1, Ordering::SeqCst);
    }
}

/// Of each picture that the restored hospital knows there is the file, or a word that it went meanwhile.
async fn rows_and_files_agree(db: Db, target: Option<&Db>) {
    let hospital = Hospital::open(&db, OLD).await;
    let home = folder();
    // Sealed before all others: what is known has time to go before it is read.
    std::fs::write(home.path().join("attachments/0"), vec![7; LARGE]).unwrap();
    let (mut drawn, mut visits) = (Vec::new(), Vec::new());
    for desk in 0..usize::from(OLD) {
        let visit = visit(&hospital, desk).await;
        visits.push(visit.id);
        drawn.push((draw(&hospital, home.path(), &visit).await, visit));
    }
    let (gone, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let load = come_and_go(hospital, home.path().to_owned(), drawn, (Arc::clone(&gone), Arc::clone(&stop)));
    let load = TaskTracker::new().spawn(load);
    while gone.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let before = gone.load(Ordering::SeqCst);
    let away = TempDir::new().unwrap();
    let file = away.path().join("backup");
    let (archive, ids) = (films(home.path()), Ids::system(Clock::System));
    let source = backup::Hospital { db: &db, data_dir: home.path(), archive: &archive, ids: &ids };
    let written = backup::write(&source, Clock::System.now(), &KEY, &file).await;
    let meanwhile = gone.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    load.await.unwrap();
    let told = written.unwrap();
    assert!(meanwhile > before, "pictures came and went meanwhile: {before} and {meanwhile}");

    let elsewhere = TempDir::new().unwrap();
    restore(&file, &KEY, elsewhere.path(), target).await.unwrap();
    let opened = match target {
        Some(db) => db.clone(),
        None => Db::open(&format!("sqlite:{}", elsewhere.path().join("yunzhen.db").display())).await.unwrap(),
    };
    let mut tx = opened.read().await.unwrap();
    let mut rows = Vec::new();
    for visit in visits {
        rows.extend(tx.messages().attachments(visit).await.unwrap());
    }
    assert!(
        rows.len() >= usize::from(OLD),
        "of each visit there is an old one or a new one, but for one that is on its way: {rows:?}"
    );
    for row in rows {
        let place = place(row.id);
        match std::fs::read(elsewhere.path().join(&place)) {
            Ok(bytes) => assert_eq!(bytes, place.as_bytes(), "letter by letter"),
            Err(_) => assert!(told.gone.contains(&place), "{place} is not there, and nobody says why: {:?}", told.gone),
        }
    }
    assert!(told.gone.iter().all(|place| !elsewhere.path().join(place).exists()), "{:?}", told.gone);
    drop(tx);
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_come_and_go_during_a_backup_leave_rows_and_files_that_agree_sqlite() {
    let fresh = database::sqlite().await;
    rows_and_files_agree(fresh.db.clone(), None).await;
    fresh.db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_come_and_go_during_a_backup_leave_rows_and_files_that_agree_postgres() {
    let Some(fresh) = database::postgres().await else { return };
    let Some(target) = database::postgres().await else { return };
    rows_and_files_agree(fresh.db.clone(), Some(&target.db)).await;
    fresh.db.close().await;
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
    let hospital = backup::Hospital { db: &db, data_dir: home.path(), archive: &archive, ids: &ids };
    let told = backup::write(&hospital, app.clock.now(), &KEY, &file).await.unwrap();
    assert!(told.files >= 7, "{told:?}");
    let meanwhile = acknowledged.load(Ordering::SeqCst);
    assert!(meanwhile > before, "work went on between the beginning and the end: {before} and {meanwhile}");
    let leftovers = std::fs::read_dir(home.path()).unwrap().filter_map(Result::ok);
    assert!(leftovers.into_iter().all(|one| !one.file_name().to_string_lossy().starts_with("copying")));

    let elsewhere = TempDir::new().unwrap();
    assert!(restore(&file, &[4; 32], elsewhere.path(), target).await.is_err(), "another key");
    restore(&file, &KEY, elsewhere.path(), target).await.unwrap();
    // It is restored elsewhere: the old server works on, and neither waits for the other.
    let restored = acknowledged.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(restored > meanwhile, "work went on while it was restored: {meanwhile} and {restored}");
    let at_last = acknowledged.load(Ordering::SeqCst);
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
    let notary = Notary { db: &opened, vault: &vault, ids: &ids, signing: Choice::Kept(Algorithm::default()) };
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
    let hospital = backup::Hospital { db: &fresh.db, data_dir: home.path(), archive: &archive, ids: &ids };
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
