//! The commands around proofs, as an operator runs them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use yunzhen::clock::{Clock, Ids};
use yunzhen::domain::audit::Entry;
use yunzhen::domain::hex::{hex, unhex};
use yunzhen::domain::ids::InstitutionId;
use yunzhen::domain::signature::{Algorithm, signed_words};
use yunzhen::protocol::proof::ExportSignature;
use yunzhen::services::audit::Notary;
use yunzhen::services::signing::Choice;
use yunzhen::services::vault::Vault;
use yunzhen::store::{Db, InstitutionRow};

use crate::programs;
use crate::support::binary::bare;
use crate::support::sql::run;

/// The folder of a server that kept a log for two days and was not there today.
async fn folder() -> (TempDir, Db) {
    let (folder, db, _) = folder_of().await;
    (folder, db)
}

/// The same, and whose it is.
async fn folder_of() -> (TempDir, Db, InstitutionId) {
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
    (folder, db, id)
}

/// What a command printed, both ways, and whether it said yes.
fn said(folder: &Path, arguments: &[&str]) -> (String, bool) {
    said_signing(folder, Algorithm::default(), arguments)
}

/// The same where the operator chose how signatures are made.
fn said_signing(folder: &Path, signing: Algorithm, arguments: &[&str]) -> (String, bool) {
    let mut command = bare(arguments);
    command.env("YUNZHEN_DATA_DIR", folder).env("YUNZHEN_LOG", "off").env("YUNZHEN_SIGNING", signing.as_str());
    let output = command.output().unwrap();
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
    for signing in Algorithm::ALL {
        let elsewhere = TempDir::new().unwrap();
        let file = elsewhere.path().join("day");
        let name = file.to_str().unwrap();
        let exported = exported_day(signing).await;
        std::fs::write(&file, &exported).unwrap();
        let (text, proved) = said(elsewhere.path(), &["verify", name]);
        assert!(!proved && text.contains("whole, key not compared: the audit log of institution_"), "{text}");
        assert!(!text.contains("authentic"), "whoever makes a key makes such a file: {text}");
        assert_eq!(ended(&["verify", name]), Some(3), "neither yes nor no");
        let head: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
        let ours: ExportSignature = serde_json::from_value(head["signature"].clone()).unwrap();
        let key = ours.fingerprint();
        let verify = |text: &str| {
            std::fs::write(&file, text).unwrap();
            let (text, proved) = said(elsewhere.path(), &["verify", name, "--key", &key]);
            assert_eq!(ended(&["verify", name, "--key", &key]), Some(i32::from(!proved)));
            (text, proved)
        };
        let (text, proved) = verify(&exported);
        assert!(proved && text.contains("authentic: the audit log of institution_"), "{text}");
        assert!(text.contains(&format!("({})", signing.name())), "{text}");
        // The name is for people; nobody signs it, and nobody is told it as if it were signed.
        let (text, proved) = verify(&exported.replacen("Demo Hospital", "Other Hospital", 1));
        assert!(proved && !text.contains("Hospital"), "{text}");
        let (text, proved) = verify(&exported.replacen("visit_0", "visit_8", 1));
        assert!(!proved && text.contains("NOT authentic: entry 1 was changed"), "{text}");
        let other_letters = [
            exported.replace('\n', "\r\n"),
            exported.replacen("\"seq\":1", "\"seq\": 1", 1),
            exported.replacen("\"seq\":1", "\"seq\":9,\"seq\":1", 1),
            format!("{exported}\n"),
            exported.trim_end().to_owned(),
        ];
        for changed in other_letters {
            assert_ne!(changed, exported);
            let (text, proved) = verify(&changed);
            assert!(!proved && text.contains("NOT authentic"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_seal_beside_the_server_is_by_the_key_that_lives_whatever_the_shell_says() {
    let (folder, db) = folder().await;
    // The server sealed all but the last of the days and signs by Ed25519.
    let (clock, ids) = (Clock::System, Ids::system(Clock::System));
    let vault = Vault::new(&[7; 32], ids.clone());
    let notary = Notary { db: &db, vault: &vault, ids: &ids, signing: Choice::Operators(Algorithm::Ed25519) };
    assert!(notary.seal(clock.now() - Duration::from_hours(24)).await.unwrap() > 0);
    db.close().await;
    let (text, sealed) = said_signing(folder.path(), Algorithm::Sm2, &["audit", "seal", "--demo"]);
    assert!(sealed && !text.contains("0 days sealed"), "{text}");
    let (text, whole) = said_signing(folder.path(), Algorithm::Sm2, &["audit", "verify", "--demo"]);
    assert!(whole && text.contains("(Ed25519)") && !text.contains("SM2"), "{text}");
    let (text, whole) = said(folder.path(), &["audit", "verify", "--demo"]);
    assert!(whole && text.matches("sealed by the key").count() == 1, "{text}");
}

/// How a command ends.
fn ended(arguments: &[&str]) -> Option<i32> {
    bare(arguments).output().unwrap().status.code()
}

/// Takes away what a database holds against being changed.
async fn without_triggers(db: &Db) {
    for table in ["audit", "audit_day", "audit_checkpoint", "signature"] {
        for trigger in ["never_changes", "never_goes"] {
            run(db, format!("drop trigger {table}_{trigger}").leak()).await;
        }
    }
}

#[tokio::test]
async fn who_writes_the_whole_log_anew_with_its_seals_is_found_by_the_file_beside_the_database() {
    let (folder, db, id) = folder_of().await;
    let (text, sealed) = said(folder.path(), &["audit", "seal", "--demo"]);
    assert!(sealed, "{text}");
    let (text, whole) = said(folder.path(), &["audit", "verify", "--demo"]);
    assert!(whole && text.contains("audit-witness.ndjson names it up to entry 5"), "{text}");
    // Another log, shorter by an entry, with everything that speaks for it in the database.
    without_triggers(&db).await;
    for table in ["audit", "audit_day", "audit_checkpoint", "signature", "topic"] {
        run(&db, format!("delete from {table}").leak()).await;
    }
    let mut tx = db.begin().await.unwrap();
    for number in 0..4_u32 {
        let entry = Entry {
            at: Clock::System.now() - Duration::from_hours(60 - u64::from(number)),
            actor: "account_1".into(),
            action: "visit.read".into(),
            subject: format!("visit_{number}"),
            purpose: None,
            detail: json!({}),
        };
        tx.audit().append(id, &entry).await.unwrap();
    }
    tx.commit().await.unwrap();
    let words = "is not what the file beside the database says of it, or is gone";
    let (text, whole) = said(folder.path(), &["audit", "verify", "--demo"]);
    assert!(!whole && text.contains(words), "{text}");
    let (text, sealed) = said(folder.path(), &["audit", "seal", "--demo"]);
    assert!(!sealed && text.contains(words) && text.contains("nothing of it is signed"), "{text}");
    // Whoever has the folder, too, is found by whoever kept the heads elsewhere: that the file is gone is said.
    std::fs::remove_file(folder.path().join("audit-witness.ndjson")).unwrap();
    let (text, whole) = said(folder.path(), &["audit", "verify", "--demo"]);
    assert!(whole && text.contains("there is no audit-witness.ndjson"), "{text}");
    db.close().await;
}

/// The first sealed day of a server that signs so, as the file that its operator gets.
async fn exported_day(signing: Algorithm) -> String {
    let (folder, db) = folder().await;
    said_signing(folder.path(), signing, &["audit", "seal", "--demo"]);
    let day: String = match &db {
        Db::Sqlite { readers, .. } => {
            sqlx::query_scalar("select min(day) from audit_day").fetch_one(readers).await.unwrap()
        }
        Db::Postgres(_) => unreachable!("a file"),
    };
    db.close().await;
    let file = folder.path().join("day");
    let name = file.to_str().unwrap();
    let (text, written) = said_signing(folder.path(), signing, &["audit", "export", "--demo", "--day", &day, name]);
    assert!(written, "{text}");
    std::fs::read_to_string(&file).unwrap()
}

#[test]
fn an_algorithm_that_nobody_knows_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let mut command = bare(&["audit", "verify", "--demo"]);
    let output = command.env("YUNZHEN_DATA_DIR", folder.path()).env("YUNZHEN_SIGNING", "rsa").output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success() && text.contains("rsa") && text.contains("sm2"), "{text}");
}

/// `openssl`, with a folder for its files; it knows nothing of us.
struct OpenSsl {
    program: PathBuf,
    folder: TempDir,
}

/// What `openssl pkeyutl` is told of an algorithm beyond the key.
fn options(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::Ed25519 => &["-rawin"],
        Algorithm::Sm2 => &["-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678"],
    }
}

/// What stands before the bytes of a public key in its `SubjectPublicKeyInfo`.
fn info(algorithm: Algorithm) -> Vec<u8> {
    let digits = match algorithm {
        Algorithm::Ed25519 => "302a300506032b6570032100",
        Algorithm::Sm2 => "3059301306072a8648ce3d020106082a811ccf5501822d034200",
    };
    unhex(digits).unwrap()
}

/// A signature as ASN.1, which SM2 has around its two numbers (GM/T 0009) and Ed25519 has not.
fn asn(algorithm: Algorithm, signature: &[u8]) -> Vec<u8> {
    if algorithm == Algorithm::Ed25519 {
        return signature.to_vec();
    }
    let number = |half: &[u8]| {
        let mut digits: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        if digits.first().is_none_or(|byte| *byte >= 0x80) {
            digits.insert(0, 0);
        }
        [vec![2, u8::try_from(digits.len()).unwrap()], digits].concat()
    };
    let body = [number(&signature[..32]), number(&signature[32..])].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap()], body].concat()
}

/// The other way round.
fn bare_of(algorithm: Algorithm, asn: &[u8]) -> Vec<u8> {
    if algorithm == Algorithm::Ed25519 {
        return asn.to_vec();
    }
    let (mut rest, mut whole) = (&asn[2..], Vec::new());
    for _ in 0..2 {
        let (digits, after) = rest[2..].split_at(usize::from(rest[1]));
        let digits: Vec<u8> = digits.iter().copied().skip_while(|byte| *byte == 0).collect();
        whole.extend(vec![0; 32 - digits.len()]);
        whole.extend(digits);
        rest = after;
    }
    whole
}

impl OpenSsl {
    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.file(name), bytes).unwrap();
        self.file(name)
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        std::process::Command::new(&self.program).args(arguments).output().unwrap()
    }

    fn holds(&self, algorithm: Algorithm, public_key: &[u8], words: &[u8], signature: &[u8]) -> bool {
        let key = self.write("public.der", &[info(algorithm), public_key.to_vec()].concat());
        let words = self.write("words", words);
        let signature = self.write("signature", &asn(algorithm, signature));
        let with =
            ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", &key, "-in", &words, "-sigfile", &signature];
        self.run(&[&with[..], options(algorithm)].concat()).status.success()
    }

    /// A new key of its own, and its signature over these words.
    fn signs(&self, algorithm: Algorithm, words: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (key, public, words) = (self.file("secret.pem"), self.file("made.der"), self.write("words", words));
        let name = algorithm.name();
        assert!(self.run(&["genpkey", "-algorithm", name, "-out", &key]).status.success());
        assert!(self.run(&["pkey", "-in", &key, "-pubout", "-outform", "DER", "-out", &public]).status.success());
        let public = std::fs::read(public).unwrap();
        assert!(public.starts_with(&info(algorithm)));
        let made = self.run(&[&["pkeyutl", "-sign", "-inkey", &key, "-in", &words][..], options(algorithm)].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        (public[info(algorithm).len()..].to_vec(), bare_of(algorithm, &made.stdout))
    }
}

#[tokio::test]
async fn openssl_verifies_what_is_signed_here_and_what_it_signs_verifies_here() {
    let Some(program) = programs::find("OPENSSL", &["openssl"]) else {
        return programs::skip("that others verify our signatures", "no openssl is installed");
    };
    let other = OpenSsl { program, folder: TempDir::new().unwrap() };
    for algorithm in Algorithm::ALL {
        if !other.run(&["genpkey", "-algorithm", algorithm.name()]).status.success() {
            programs::skip("that others verify our signatures", "this openssl does not know the algorithm");
            continue;
        }
        let exported = exported_day(algorithm).await;
        let head: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
        let ours: ExportSignature = serde_json::from_value(head["signature"].clone()).unwrap();
        let words = signed_words(ours.purpose, &ours.subject, &ours.hash, &ours.key, ours.at);
        let (key, bytes) = (unhex(&ours.public_key).unwrap(), unhex(&ours.bytes).unwrap());
        assert!(other.holds(algorithm, &key, words.as_bytes(), &bytes), "{algorithm:?}");
        assert!(!other.holds(algorithm, &key, &words.as_bytes()[1..], &bytes), "{algorithm:?}");
        for _ in 0..8 {
            // Numbers of SM2 that are shorter than 32 bytes come one time in 128.
            let (key, bytes) = other.signs(algorithm, words.as_bytes());
            let theirs = ExportSignature { public_key: hex(&key), bytes: hex(&bytes), ..ours.clone() };
            assert!(theirs.holds_for(ours.purpose, &ours.subject, &ours.hash), "{theirs:?}");
            let elsewhere = ExportSignature { subject: "audit_day:1".to_owned(), ..theirs.clone() };
            assert!(!elsewhere.holds_for(ours.purpose, "audit_day:1", &ours.hash));
        }
    }
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
    assert!(!again && text.contains("no backup was written to") && text.contains("exists"), "{text}");
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
    assert!(text.contains("audit-witness.ndjson names it up to entry 5"), "the file came along: {text}");
    let (text, again) = said(elsewhere.path(), &restore);
    assert!(!again && text.contains("there is something in"), "a hospital is not written over: {text}");
}
