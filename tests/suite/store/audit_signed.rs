//! What the audit says was signed, read with what is there of it.

use serde_json::json;
use uuid::Uuid;
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::{InstitutionId, KeyId, SignatureId};
use yunzhen::domain::prescription::{ACTS, Phase};
use yunzhen::domain::signature::{Algorithm, Purpose};
use yunzhen::store::{KeyRow, SignatureRow};

use super::notes::note;
use super::prescriptions::prescription;
use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;
use crate::support::visiting::visit;

on_both! {
    async fn what_an_entry_says_was_signed_is_found_beside_it_and_nothing_of_another(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let (one, two) = (note(&hospital, &visit, 1), note(&hospital, &visit, 2));
        let key = KeyRow {
            id: KeyId::from_uuid(Uuid::from_u128(1)),
            institution_id: hospital.institution,
            owner: visit.doctor_id.to_string(),
            algorithm: Algorithm::default(),
            public_key: vec![1; 32],
            secret_sealed: vec![2; 32],
            created_at: MORNING,
            retired_at: None,
        };
        let signature = SignatureRow {
            id: SignatureId::from_uuid(Uuid::from_u128(2)),
            institution_id: hospital.institution,
            subject: one.id.to_string(),
            purpose: Purpose::Note,
            key_id: key.id,
            hash: one.hash.clone(),
            at: MORNING,
            bytes: vec![3; 64],
        };
        hospital.write(async |tx| {
            tx.notes().sign(&one).await.unwrap();
            tx.notes().sign(&two).await.unwrap();
            tx.signatures().make_key(&key).await.unwrap();
            tx.signatures().insert(&signature).await.unwrap();
            // The last is no name of anything.
            let subjects = [one.id.to_string(), one.id.to_string(), two.id.to_string(), "note_x".to_owned()];
            for (subject, action) in subjects.into_iter().zip(["note.sign", "note.read", "note.sign", "note.sign"]) {
                let (actor, detail) = (visit.doctor_id.to_string(), json!({}));
                let entry = Entry { at: MORNING, actor, action: action.into(), subject, purpose: None, detail };
                tx.audit().append(hospital.institution, &entry).await.unwrap();
            }
        }).await;
        let there = async |after, last| {
            let mut tx = db.read().await.unwrap();
            tx.audit().signed_there(hospital.institution, after, last).await.unwrap()
        };
        let all = there(0, 4).await;
        let notes: Vec<_> = all.notes.iter().map(|(seq, note)| (*seq, note.clone())).collect();
        assert_eq!(notes, [(1, one), (3, two.clone())]);
        assert_eq!(all.signatures, [(1, signature)]);
        assert!(all.prescriptions.is_empty());
        let later = there(1, 3).await;
        assert_eq!((later.notes, later.signatures), (vec![(3, two)], Vec::new()));
    }

    async fn a_prescription_stands_beside_the_last_act_on_it_and_beside_no_other_entry(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let sheet = |number: &str| prescription(&hospital, &visit, number, Phase::Draft, ("2026-11-24", "2026-11-26"));
        let (row, gone) = (sheet("R1"), sheet("R2"));
        let stranger = Uuid::from_u128(9);
        hospital.write(async |tx| {
            tx.prescriptions().insert(&row).await.unwrap();
            let entries = [
                (row.id.to_string(), "rx.begin"),
                (row.id.to_string(), "rx.sign"),
                (gone.id.to_string(), "rx.stop"),
                (row.id.to_string(), "rx.approved"),
                (row.id.to_string(), "rx.read"),
                ("prescription_x".to_owned(), "rx.sign"),
                (row.id.to_string(), "document.read"),
            ];
            for (subject, action) in entries {
                let (actor, detail) = (visit.doctor_id.to_string(), json!({}));
                let entry = Entry { at: MORNING, actor, action: action.into(), subject, purpose: None, detail };
                tx.audit().append(hospital.institution, &entry).await.unwrap();
            }
        }).await;
        let mut tx = db.read().await.unwrap();
        let all = tx.audit().signed_there(hospital.institution, 0, 7).await.unwrap().standing;
        assert_eq!(all, [(3, None), (4, Some(Phase::Draft)), (6, None)]);
        let page = tx.audit().signed_there(hospital.institution, 0, 2).await.unwrap().standing;
        assert_eq!(page, [], "what came later is known to the page before");
        let elsewhere = tx.audit().signed_there(InstitutionId::from_uuid(stranger), 0, 7).await.unwrap().standing;
        assert_eq!(elsewhere, []);
        let mut last = async |id: &str| tx.audit().last_rx_act(hospital.institution, id).await.unwrap().map(|(act, _)| act);
        assert_eq!(last(&row.id.to_string()).await.as_deref(), Some("rx.approved"));
        assert_eq!(last(&gone.id.to_string()).await.as_deref(), Some("rx.stop"));
        assert_eq!(last("prescription_y").await, None);
    }

    async fn every_act_of_the_domain_is_known_to_the_store(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        for (n, act) in ACTS.into_iter().chain(["rx.read", "rx.read_own", "rx.saved"]).enumerate() {
            let subject = format!("prescription_{n}");
            hospital.write(async |tx| {
                let (actor, action) = ("nobody".to_owned(), act.to_owned());
                let entry = Entry { at: MORNING, actor, action, subject: subject.clone(), purpose: None, detail: json!({}) };
                tx.audit().append(hospital.institution, &entry).await.unwrap();
            }).await;
            let found = db.read().await.unwrap().audit().last_rx_act(hospital.institution, &subject).await.unwrap();
            assert_eq!(found, ACTS.contains(&act).then(|| (act.to_owned(), MORNING)));
        }
    }

    async fn the_last_word_of_how_a_visit_ends_is_found_and_a_new_beginning_ends_it(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let said = async |action: &str, detail: serde_json::Value| {
            hospital.write(async |tx| {
                let (actor, action) = ("nobody".to_owned(), action.to_owned());
                let subject = "visit_1".to_owned();
                let entry = Entry { at: MORNING, actor, action, subject, purpose: None, detail };
                tx.audit().append(hospital.institution, &entry).await.unwrap();
            }).await;
            let mut tx = db.read().await.unwrap();
            tx.audit().last_outcome(hospital.institution, "visit_1").await.unwrap()
        };
        assert_eq!(said("visit.read", json!({})).await, None);
        let signed = (2, "outcome.sign".to_owned(), r#"{"hash":"aa"}"#.to_owned());
        assert_eq!(said("outcome.sign", json!({ "hash": "aa" })).await, Some(signed.clone()));
        assert_eq!(said("visit.read", json!({})).await, Some(signed));
        let anew = said("visit.identity_confirmed", json!({})).await.unwrap();
        assert_eq!((anew.0, anew.1.as_str()), (4, "visit.identity_confirmed"));
        assert_eq!(db.read().await.unwrap().audit().last_outcome(hospital.institution, "visit_2").await.unwrap(), None);
    }
}
