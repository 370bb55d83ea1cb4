//! Sealed days of the audit: sealed once, never changed, and whoever changes the log is found.

use std::time::Duration;

use serde_json::json;
use yunzhen::clock::Ids;
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::InstitutionId;
use yunzhen::domain::signature::Algorithm;
use yunzhen::domain::time::Timestamp;
use yunzhen::services::audit::witness::{WITNESS, Witness};
use yunzhen::services::audit::{Notary, VerifiedLog};
use yunzhen::services::signing::Choice;
use yunzhen::services::vault::Vault;
use yunzhen::services::verifying::{Unproved, verify_export};
use yunzhen::store::{Db, InstitutionRow};

use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;
use crate::support::sql::{refusal, run};

const DAY: Duration = Duration::from_hours(24);

struct Office {
    db: Db,
    vault: Vault,
    ids: Ids,
    signing: Algorithm,
}

impl Office {
    fn open(hospital: &Hospital) -> Self {
        let vault = Vault::new(&[7; 32], hospital.ids.clone());
        Self { db: hospital.db.clone(), vault, ids: hospital.ids.clone(), signing: Algorithm::default() }
    }

    fn notary(&self) -> Notary<'_> {
        Notary { db: &self.db, vault: &self.vault, ids: &self.ids, signing: Choice::Operators(self.signing) }
    }

    async fn seal(&self, now: Timestamp) -> usize {
        self.notary().seal(now).await.unwrap()
    }

    async fn log(&self) -> VerifiedLog {
        self.notary().verify().await.unwrap().pop().unwrap()
    }

    /// Entries, or the words of the first break.
    async fn found(&self) -> Result<i64, String> {
        self.log().await.found.map_err(|broken| broken.to_string())
    }
}

/// So many entries on the day so many days after the first.
async fn work(hospital: &Hospital, day: u32, entries: i64) {
    hospital
        .write(async |tx| {
            for number in 0..entries {
                let entry = Entry {
                    at: MORNING + DAY * day,
                    actor: "account_1".into(),
                    action: "visit.read".into(),
                    subject: format!("visit_{number}"),
                    purpose: Some("treatment".into()),
                    detail: json!({ "number": number }),
                };
                tx.audit().append(hospital.institution, &entry).await.unwrap();
            }
        })
        .await;
}

/// Three days: three entries, none, two; and one entry of the day that is not over.
async fn three_days(db: &Db) -> (Hospital, Office, Timestamp) {
    let hospital = Hospital::open(db, 0).await;
    let office = Office::open(&hospital);
    for (day, entries) in [(0, 3), (2, 2), (3, 1)] {
        work(&hospital, day, entries).await;
    }
    (hospital, office, MORNING + DAY * 3)
}

/// Takes the guards away, as a person with the database in hand could.
async fn without_triggers(db: &Db) {
    for table in ["audit", "audit_day", "audit_checkpoint", "signature"] {
        for trigger in ["never_changes", "never_goes"] {
            let statement = match db {
                Db::Sqlite { .. } => format!("drop trigger {table}_{trigger}"),
                Db::Postgres(_) => format!("drop trigger if exists {table}_{trigger} on {table}"),
            };
            run(db, statement.leak()).await;
        }
    }
}

on_both! {
    async fn a_days_root_is_sealed_once_and_never_changes(db: Db) {
        let (_, office, now) = three_days(&db).await;
        assert_eq!(office.seal(now).await, 3, "the day that is not over stays open");
        assert_eq!(office.seal(now).await, 0);
        let log = office.log().await;
        assert_eq!((log.found, log.days), (Ok(6), 3));
        for change in ["update audit_day set root = 'aa'", "delete from audit_day"] {
            assert!(refusal(&db, change).await.contains("a sealed day never changes"), "{change}");
        }
        assert_eq!(office.notary().verify_signatures().await.unwrap(), Ok(3));
    }

    async fn a_log_that_nobody_wrote_in_is_whole_and_has_no_days(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let office = Office::open(&hospital);
        assert_eq!(office.seal(MORNING + DAY * 9).await, 0);
        assert_eq!(office.found().await, Ok(0));
    }

    async fn a_broken_row_in_a_sealed_day_is_named(db: Db) {
        let (_, office, now) = three_days(&db).await;
        office.seal(now).await;
        without_triggers(&db).await;
        run(&db, "update audit set actor = 'account_9' where seq = 2").await;
        assert_eq!(office.found().await, Err("entry 2 was changed, in the sealed day 2026-11-24".to_owned()));
    }

    async fn an_entry_that_is_gone_is_missed_also_at_the_end(db: Db) {
        let (_, office, now) = three_days(&db).await;
        office.seal(now).await;
        without_triggers(&db).await;
        run(&db, "delete from audit where seq = 6").await;
        assert_eq!(office.found().await, Err("entry 6 is missing, after the last sealed day".to_owned()));
        run(&db, "delete from audit where seq = 4").await;
        assert_eq!(office.found().await, Err("entry 4 is missing, in the sealed day 2026-11-26".to_owned()));
    }

    async fn a_seal_that_is_gone_or_was_made_by_somebody_else_is_noticed(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.seal(now).await;
        without_triggers(&db).await;
        // With another secret, the key in the database is a stranger's.
        let stranger = Office { vault: Vault::new(&[8; 32], hospital.ids.clone()), ..Office::open(&hospital) };
        let signed = "the seal up to entry 3 is not signed by the server's key, in the sealed day 2026-11-24";
        assert_eq!(stranger.found().await, Err(signed.to_owned()));
        run(&db, "delete from audit_day where day = '2026-11-26'").await;
        assert!(office.found().await.unwrap_err().contains("do not follow from each other"));
    }

    async fn a_day_whose_chain_is_broken_is_not_sealed(db: Db) {
        let (_, office, now) = three_days(&db).await;
        without_triggers(&db).await;
        run(&db, "update audit set detail = '{}' where seq = 4").await;
        assert!(office.notary().seal(now).await.is_err());
        assert_eq!(office.log().await.days, 2, "the days before it are");
    }

    async fn an_exported_day_is_authentic_and_a_changed_letter_of_it_is_not(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.seal(now).await;
        let key = office.log().await.fingerprint.unwrap();
        let export = |day: &str| day.parse().unwrap();
        let text = office.notary().export(hospital.institution, export("2026-11-26")).await.unwrap();
        let proved = verify_export(&text, Some(&key)).unwrap();
        assert!(proved.what.ends_with("of 2026-11-26, 2 entries"), "{proved}");
        assert!(matches!(verify_export(&text, Some(&"0".repeat(64))), Err(Unproved::OtherKey { .. })));
        let empty = office.notary().export(hospital.institution, export("2026-11-25")).await.unwrap();
        assert!(verify_export(&empty, Some(&key)).unwrap().what.ends_with(", 0 entries"));
        assert!(office.notary().export(hospital.institution, export("2026-11-27")).await.is_err(), "not over");
        for (at, letter) in text.char_indices().filter(|(_, letter)| letter.is_ascii_alphanumeric()) {
            let other = if letter == '7' { "8" } else { "7" };
            let changed = [&text[..at], other, &text[at + 1..]].concat();
            let head = text.lines().next().unwrap();
            // The institution's name and the hour of sealing are for people; nothing is proved by them.
            let said = |field: &str| head.find(field).is_some_and(|from| (from..from + 60).contains(&at));
            if said("\"name\":") || said("\"sealed_at\":") || said("\"owner\":") {
                continue;
            }
            assert!(verify_export(&changed, Some(&key)).is_err(), "at {at}: {}", &text[at.saturating_sub(20)..at + 5]);
        }
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(1, 2);
        assert!(verify_export(&lines.join("\n"), Some(&key)).is_err());
        lines.truncate(2);
        assert!(verify_export(&lines.join("\n"), Some(&key)).is_err());
    }

    async fn an_export_carries_our_signature_and_not_one_that_somebody_put_before_it(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.seal(now).await;
        let key = office.log().await.fingerprint.unwrap();
        without_triggers(&db).await;
        run(
            &db,
            "insert into signing_key (id, institution_id, owner, algorithm, public_key, secret_sealed, created_at)
             select institution_id, institution_id, 'nobody', algorithm, public_key, public_key, created_at
             from signing_key",
        )
        .await;
        let before = match &db {
            Db::Sqlite { .. } => "zeroblob(16)",
            Db::Postgres(_) => "'00000000-0000-0000-0000-000000000000'::uuid",
        };
        let forged = format!(
            "insert into signature (id, institution_id, subject, purpose, key_id, hash, at, bytes)
             select {before}, institution_id, subject, purpose, institution_id, hash, 0, bytes
             from signature
             where subject like '%2026-11-26'"
        );
        run(&db, forged.leak()).await;
        let text = office.notary().export(hospital.institution, "2026-11-26".parse().unwrap()).await.unwrap();
        assert!(verify_export(&text, Some(&key)).is_ok());
    }

    async fn days_that_were_sealed_before_and_after_another_algorithm_was_chosen_are_whole(db: Db) {
        let (hospital, mut office, now) = three_days(&db).await;
        assert_eq!(office.seal(MORNING + DAY).await, 1);
        let mut seal = async |signing, now| {
            office.signing = signing;
            let sealed = office.seal(now).await;
            (sealed, office.log().await)
        };
        let (sealed, log) = seal(Algorithm::Sm2, now).await;
        assert_eq!((sealed, &log.found, log.days), (2, &Ok(6), 3));
        let signed_by = |log: &VerifiedLog| log.sealed_by.iter().map(|(how, _)| *how).collect::<Vec<_>>();
        assert_eq!(signed_by(&log), [Algorithm::Ed25519, Algorithm::Sm2]);
        let (first, second) = (log.sealed_by[0].1.clone(), log.sealed_by[1].1.clone());
        assert_eq!(log.fingerprint.as_ref(), Some(&second));
        // Who goes back gets a key of their own time, too.
        let (sealed, log) = seal(Algorithm::Ed25519, now + DAY).await;
        assert_eq!((sealed, &log.found), (1, &Ok(6)));
        assert_eq!(signed_by(&log), [Algorithm::Ed25519, Algorithm::Sm2, Algorithm::Ed25519]);
        assert_ne!(log.sealed_by[2].1, first);
        assert_eq!(office.notary().verify_signatures().await.unwrap(), Ok(4));
        for (day, key, how) in [("2026-11-24", &first, Algorithm::Ed25519), ("2026-11-26", &second, Algorithm::Sm2)] {
            let text = office.notary().export(hospital.institution, day.parse().unwrap()).await.unwrap();
            let proved = verify_export(&text, Some(key)).unwrap();
            assert_eq!((&proved.fingerprint, proved.algorithm), (key, how));
            assert!(proved.to_string().ends_with(&format!("signed by the key {key} ({})", how.name())), "{proved}");
            // Called the other algorithm's, the same bytes prove nothing.
            let other = if how == Algorithm::Sm2 { Algorithm::Ed25519 } else { Algorithm::Sm2 };
            let renamed = text.replacen(&format!("\"{}\"", how.as_str()), &format!("\"{}\"", other.as_str()), 1);
            assert!(renamed != text && verify_export(&renamed, None).is_err());
        }
        // A stranger's key is none of ours, whatever its algorithm.
        let stranger = Office { vault: Vault::new(&[8; 32], hospital.ids.clone()), ..Office::open(&hospital) };
        assert!(stranger.found().await.unwrap_err().contains("not signed by the server's key"));
    }

    async fn who_cuts_off_the_end_of_today_is_found_up_to_the_last_signed_head(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.seal(now).await;
        let sign = async || office.notary().checkpoint(now).await.unwrap();
        assert_eq!((sign().await, sign().await), (1, 0), "what is signed is not signed again");
        work(&hospital, 3, 4).await;
        assert_eq!(sign().await, 1);
        work(&hospital, 3, 1).await;
        let log = office.log().await;
        assert_eq!((log.found, log.signed_to), (Ok(11), Some(10)));
        assert_eq!(office.notary().verify_signatures().await.unwrap(), Ok(5), "three days and two heads");
        for change in ["update audit_checkpoint set seq = 9 where seq = 10", "delete from audit_checkpoint"] {
            assert!(refusal(&db, change).await.contains("a signed head never changes"), "{change}");
        }
        without_triggers(&db).await;
        // The entry that came after the last signed head can still be cut off: that much an hour costs.
        run(&db, "delete from audit where seq = 11").await;
        run(&db, "update topic set head = 10 where topic like 'audit:%'").await;
        assert_eq!(office.found().await, Ok(10));
        run(&db, "delete from audit where seq > 8").await;
        run(&db, "update topic set head = 8 where topic like 'audit:%'").await;
        assert_eq!(office.found().await.unwrap_err(), "entry 9 is missing, after the last sealed day");
        // Whoever takes the head away with it leaves its signature, and whoever takes that, too, the line in the log.
        run(&db, "delete from audit_checkpoint where seq = 10").await;
        let words = "the signed head at entry 7 is not that of the log, or is gone, after the last sealed day";
        assert_eq!(office.found().await.unwrap_err(), words);
    }

    async fn who_makes_the_end_of_today_anew_is_found(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.seal(now).await;
        work(&hospital, 3, 3).await;
        office.notary().checkpoint(now).await.unwrap();
        without_triggers(&db).await;
        run(&db, "delete from audit where seq > 7").await;
        run(&db, "update topic set head = 7 where topic like 'audit:%'").await;
        // As many entries as before, and others.
        work(&hospital, 3, 3).await;
        run(&db, "update audit_checkpoint set head_hash = (select hash from audit where seq = 9)").await;
        let words = "the signed head at entry 9 is not that of the log, or is gone, after the last sealed day";
        assert_eq!(office.found().await.unwrap_err(), words);
    }

    async fn a_broken_chain_of_one_institution_keeps_no_other_from_being_sealed(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        let partner = Hospital { institution: hospital.ids.make(InstitutionId::from_uuid), ..hospital.clone() };
        // It comes after the one that is broken.
        let row = InstitutionRow { created_at: MORNING + DAY, ..partner.institution_row() };
        hospital.write(async |tx| tx.institutions().insert(&row).await.unwrap()).await;
        work(&partner, 0, 2).await;
        without_triggers(&db).await;
        run(&db, "update audit set detail = '{}' where seq = 3").await;
        assert!(office.notary().seal(now).await.is_err(), "it is told");
        assert!(office.notary().checkpoint(now).await.is_err());
        let logs = office.notary().verify().await.unwrap();
        let of = |id| logs.iter().find(|log| log.institution == id).unwrap();
        assert_eq!((of(hospital.institution).days, of(hospital.institution).signed_to), (0, None));
        assert_eq!((of(partner.institution).days, of(partner.institution).signed_to), (3, Some(2)));
    }

    async fn a_broken_chain_is_not_signed(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        office.notary().checkpoint(now).await.unwrap();
        work(&hospital, 3, 3).await;
        without_triggers(&db).await;
        run(&db, "update audit set subject = 'visit_9' where seq = 8").await;
        assert!(office.notary().checkpoint(now).await.is_err());
    }

    async fn who_cuts_off_the_end_with_its_signed_head_is_found_by_the_file_beside_the_database(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::beside(folder.path());
        let found = async || {
            let (mut logs, _) = office.notary().verify_beside(&witness).await.unwrap();
            logs.pop().unwrap().found.map_err(|broken| broken.to_string())
        };
        assert_eq!(office.notary().seal_beside(now, &witness).await.unwrap(), 3);
        work(&hospital, 3, 4).await;
        assert_eq!(office.notary().checkpoint_beside(now, &witness).await.unwrap(), 1);
        assert_eq!(office.notary().bear_witness(&witness).await.unwrap(), 0, "it names all");
        work(&hospital, 3, 1).await;
        assert_eq!(found().await, Ok(11));
        without_triggers(&db).await;
        run(&db, "delete from audit where seq > 8").await;
        run(&db, "update topic set head = 8 where topic like 'audit:%'").await;
        run(&db, "delete from audit_checkpoint").await;
        run(&db, "delete from signature where purpose = 'audit_checkpoint'").await;
        assert_eq!(office.found().await, Ok(8), "all that speaks for it in the database went with it");
        let words = "entry 9 is not what the file beside the database says of it, or is gone, after the last sealed day";
        assert_eq!(found().await, Err(words.to_owned()));
        // As many entries as before, and others: it is not signed, and the file does not learn it.
        work(&hospital, 3, 5).await;
        assert!(found().await.unwrap_err().contains("entry 10 is not what the file beside the database says"));
        assert!(office.notary().checkpoint_beside(now, &witness).await.is_err());
        assert!(office.notary().seal_beside(now + DAY, &witness).await.is_err());
        assert_eq!((office.log().await.days, office.log().await.signed_to), (3, None));
        assert_eq!(office.notary().bear_witness(&witness).await.unwrap(), 0);
    }

    async fn a_day_that_was_sealed_anew_is_found_by_the_file_beside_the_database(db: Db) {
        let (_, office, now) = three_days(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::beside(folder.path());
        office.notary().seal_beside(now, &witness).await.unwrap();
        without_triggers(&db).await;
        run(&db, "delete from audit_day where day = '2026-11-26'").await;
        run(&db, "delete from signature where subject like '%2026-11-26'").await;
        assert_eq!(office.found().await, Ok(6));
        let (mut logs, _) = office.notary().verify_beside(&witness).await.unwrap();
        let words = "entry 5 is not what the file beside the database says of it, or is gone, in the sealed day 2026-11-26";
        assert_eq!(logs.pop().unwrap().found.unwrap_err().to_string(), words);
    }

    async fn a_file_that_is_gone_is_a_break_where_heads_were_signed(db: Db) {
        let (_, office, now) = three_days(&db).await;
        let folder = tempfile::tempdir().unwrap();
        let witness = Witness::beside(folder.path());
        let look = async || {
            let (mut logs, testimony) = office.notary().verify_beside(&witness).await.unwrap();
            (logs.pop().unwrap().found.map_err(|broken| broken.to_string()), testimony.is_there)
        };
        office.seal(now).await;
        assert_eq!(look().await, (Ok(6), false), "no head is signed: nothing was there to be named");
        office.notary().checkpoint_beside(now, &witness).await.unwrap();
        assert_eq!(look().await, (Ok(6), true));
        std::fs::remove_file(folder.path().join(WITNESS)).unwrap();
        let words = "the file beside the database is gone, which named the signed head at entry 6";
        assert_eq!(look().await, (Err(words.to_owned()), false));
    }

    async fn a_day_that_is_long_over_and_has_no_seal_is_a_break(db: Db) {
        let (hospital, office, now) = three_days(&db).await;
        let words = "no day is sealed from entry 1 on, though one is over since more than two days: 2026-11-24";
        assert_eq!(office.found().await, Err(words.to_owned()));
        office.seal(now).await;
        assert_eq!(office.found().await, Ok(6));
        // A server that stood still could not seal; once it works, it has to.
        work(&hospital, 5, 1).await;
        assert_eq!(office.found().await, Ok(7));
        work(&hospital, 6, 1).await;
        let words = "no day is sealed from entry 6 on, though one is over since more than two days: 2026-11-27";
        assert_eq!(office.found().await, Err(words.to_owned()));
        office.seal(MORNING + DAY * 6).await;
        assert_eq!(office.found().await, Ok(8));
    }
}
