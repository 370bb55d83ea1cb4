//! What the audit says was signed, read with what is there of it.

use serde_json::json;
use uuid::Uuid;
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::{KeyId, SignatureId};
use yunzhen::domain::signature::{Algorithm, Purpose};
use yunzhen::store::{KeyRow, SignatureRow};

use super::notes::note;
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
}
