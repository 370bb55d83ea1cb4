//! The commands around proofs, as an operator runs them.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::InstitutionId;
use yunzhen::store::{Db, InstitutionRow};

use crate::support::binary::bare;
use crate::support::sql::run;

/// The folder of a server that kept a log for two days and was not there today.
async fn folder() -> (TempDir, Db) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("secret.key"), [7; 32]).unwrap();
    let db = Db::open(&format!("sqlite:{}", folder.path().join("yunzhen.db").display())).await.unwrap();
    db.migrate().await.unwrap();
    let (clock, hours) = (Clock::System, Duration::from_hours);
    let id = Ids::system(clock.clone()).make(InstitutionId::from_uuid);
    let institution = InstitutionRow {
        id,
        kind: "hospital".into(),
        name_zh: "演示医院".into(),
        name_en: "Demo Hospital".into(),
        help_phone: "000".into(),
        created_at: clock.now(),
    };
    let mut tx = db.begin().await.unwrap();
    tx.institutions().insert(&institution).await.unwrap();
    for number in 0..5_u32 {
        let entry = Entry {
            at: clock.now() - hours(60 - u64::from(number)),
            actor: "account_1".into(),
            action: "visit.read".into(),
            subject: format!("visit_{number}"),
            purpose: None,
            detail: json!({}),
        };
        tx.audit().append(id, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    (folder, db)
}

/// What a command printed, both ways, and whether it said yes.
fn said(folder: &Path, arguments: &[&str]) -> (String, bool) {
    let output = bare(arguments).env("YUNZHEN_DATA_DIR", folder).env("YUNZHEN_LOG", "off").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (String::from_utf8(text).unwrap(), output.status.success())
}

#[tokio::test]
async fn audit_verify_names_the_first_break_and_fails() {
    let (folder, db) = folder().await;
    let verify = || said(folder.path(), &["audit", "verify", "--demo"]);
    let (text, whole) = verify();
    assert!(whole && text.contains("Demo Hospital: whole, 5 entries, 0 sealed days"), "{text}");
    let (text, sealed) = said(folder.path(), &["audit", "seal", "--demo"]);
    assert!(sealed && text.contains("days sealed"), "{text}");
    let (text, whole) = verify();
    assert!(whole && text.contains("sealed by the key") && text.contains("all hold"), "{text}");
    run(&db, "drop trigger audit_never_changes").await;
    run(&db, "update audit set subject = 'visit_9' where seq = 3").await;
    let (text, whole) = verify();
    assert!(!whole, "{text}");
    assert!(text.contains("BROKEN: entry 3 was changed, in the sealed day"), "{text}");
    db.close().await;
}

#[tokio::test]
async fn an_export_verifies_without_the_server() {
    let (folder, db) = folder().await;
    said(folder.path(), &["audit", "seal", "--demo"]);
    let day: String = match &db {
        Db::Sqlite { readers, .. } => {
            sqlx::query_scalar("select min(day) from audit_day").fetch_one(readers).await.unwrap()
        }
        Db::Postgres(_) => unreachable!("a file"),
    };
    db.close().await;
    let elsewhere = TempDir::new().unwrap();
    let file = elsewhere.path().join("day");
    let name = file.to_str().unwrap();
    let (text, written) = said(folder.path(), &["audit", "export", "--demo", "--day", &day, name]);
    assert!(written, "{text}");
    drop(folder);
    let (text, proved) = said(elsewhere.path(), &["verify", name]);
    assert!(proved && text.contains("authentic: the audit log of Demo Hospital"), "{text}");
    let changed = std::fs::read_to_string(&file).unwrap().replacen("visit_0", "visit_8", 1);
    std::fs::write(&file, changed).unwrap();
    let (text, proved) = said(elsewhere.path(), &["verify", name]);
    assert!(!proved && text.contains("NOT authentic: entry 1 was changed"), "{text}");
}

#[tokio::test]
async fn a_backup_and_a_hospital_from_it_are_two_commands() {
    let (folder, db) = folder().await;
    std::fs::create_dir(folder.path().join("attachments")).unwrap();
    std::fs::write(folder.path().join("attachments/0190aa"), "picture").unwrap();
    let (text, sealed) = said(folder.path(), &["audit", "seal", "--demo"]);
    assert!(sealed, "{text}");
    let away = TempDir::new().unwrap();
    let (file, key) = (away.path().join("backup"), away.path().join("key"));
    let [file, key] = [&file, &key].map(|path| path.to_str().unwrap());
    let backup = ["backup", "--demo", file, "--key-file", key];
    // The server works meanwhile: its database stays open.
    let (text, written) = said(folder.path(), &backup);
    assert!(written && text.contains("a key was made") && text.contains(" files"), "{text}");
    #[cfg(unix)]
    for private in [file, key] {
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(private).unwrap());
        assert_eq!(mode & 0o077, 0, "{private} is for nobody else");
    }
    let whole = std::fs::read(file).unwrap();
    let (text, again) = said(folder.path(), &backup);
    assert!(!again && text.contains("there is no backup"), "{text}");
    assert!(std::fs::read(file).unwrap() == whole, "an older backup is not written over");
    db.close().await;
    drop(folder);

    let elsewhere = TempDir::new().unwrap();
    let other = away.path().join("other");
    std::fs::write(&other, "00".repeat(32)).unwrap();
    let wrong = ["restore", "--demo", file, "--key-file", other.to_str().unwrap()];
    let (text, restored) = said(elsewhere.path(), &wrong);
    assert!(!restored && text.contains("nothing was restored"), "{text}");
    assert!(!elsewhere.path().join("yunzhen.db").exists(), "nothing is in force");
    let restore = ["restore", "--demo", file, "--key-file", key];
    let (text, restored) = said(elsewhere.path(), &restore);
    assert!(restored && text.contains("Demo Hospital: whole, 5 entries"), "it verifies itself: {text}");
    assert_eq!(std::fs::read(elsewhere.path().join("attachments/0190aa")).unwrap(), b"picture");
    let (text, verified) = said(elsewhere.path(), &["audit", "verify", "--demo"]);
    assert!(verified && text.contains("sealed by the key") && text.contains("all hold"), "{text}");
    let (text, again) = said(elsewhere.path(), &restore);
    assert!(!again && text.contains("there is something in"), "a hospital is not written over: {text}");
}
