use std::time::Duration;

use yunzhen::domain::identity::DocumentKind;
use yunzhen::domain::ids::{AccountId, InstitutionId, PatientId};
use yunzhen::domain::people::{Relation, Sex};
use yunzhen::domain::prescription::Phase;
use yunzhen::domain::ticket::MoveReason;
use yunzhen::domain::triage::Level;
use yunzhen::domain::visit::VisitEnd;
use yunzhen::store::{Caller, PatientRow, TicketRow, Tx};

use super::{family, holder, patient};
use crate::store::prescriptions::{kept, prescription};
use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

on_both! {
    async fn one_name_with_one_document_is_one_patient(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (row, twin, namesake) = (patient(&hospital, 1), patient(&hospital, 1), patient(&hospital, 2));
        let kept = hospital.write(async |tx| {
            let mut kept = Vec::new();
            for row in [&row, &twin, &namesake] {
                kept.push(tx.patients().insert(row).await.unwrap());
            }
            kept
        });
        assert_eq!(kept.await, [true, false, true], "another spelling is another row");
        let mut tx = db.read().await.unwrap();
        let found = tx.patients().by_identity(hospital.institution, DocumentKind::Passport, &[9; 32], &[1; 32]).await;
        assert!(found.unwrap().as_ref() == Some(&row));
        let found = tx.patients().by_identity(hospital.institution, DocumentKind::ResidentCard, &[9; 32], &[1; 32]).await;
        assert!(found.unwrap().is_none());
        assert!(tx.patients().find(hospital.institution, row.id).await.unwrap() == Some(row));
    }

    async fn everybody_of_one_document_is_found_by_it_however_they_were_named(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut rows = Vec::new();
        for (name, card) in [(1, 7), (2, 7), (3, 7), (4, 8)] {
            let row = PatientRow { card_index: vec![card; 16], ..patient(&hospital, name) };
            assert!(hospital.write(async |tx| tx.patients().insert(&row).await.unwrap()).await);
            rows.push(row);
            hospital.pass(Duration::from_secs(1));
        }
        let [one, other, second, stranger] = &rows[..] else { unreachable!("four were named") };
        let mut tx = db.read().await.unwrap();
        let ids = |rows: Vec<PatientRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        let found = tx.patients().by_card(hospital.institution, &[7; 16]).await.unwrap();
        assert_eq!(ids(found), [one.id, other.id, second.id]);
        let abroad = hospital.ids.make(InstitutionId::from_uuid);
        assert!(tx.patients().by_card(abroad, &[7; 16]).await.unwrap().is_empty());
        assert_eq!(ids(tx.patients().mates(one.id, 9).await.unwrap()), [second.id, other.id], "the newest first");
        assert_eq!(ids(tx.patients().mates(one.id, 1).await.unwrap()), [second.id]);
        assert!(ids(tx.patients().mates(stranger.id, 9).await.unwrap()).is_empty());
    }

    async fn two_spellings_are_one_card_of_whoever_wrote_both_and_of_nobody_else(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (mother, one) = family(&hospital, 1).await;
        let (_, his) = family(&hospital, 2).await;
        let card = db.read().await.unwrap().patients().find(hospital.institution, one).await.unwrap().unwrap().card_index;
        let spelled = PatientRow { card_index: card.clone(), ..patient(&hospital, 3) };
        let another = PatientRow { card_index: vec![99; 16], ..patient(&hospital, 4) };
        let now = hospital.now();
        hospital.write(async |tx| {
            for row in [&spelled, &another] {
                assert!(tx.patients().insert(row).await.unwrap());
                tx.patients().relate(mother, row.id, Relation::Parent, now).await.unwrap();
            }
            tx.patients().set_card(his, &card).await.unwrap();
        }).await;
        let mut tx = db.read().await.unwrap();
        for (who, is_own) in [(one, true), (spelled.id, true), (his, false), (another.id, false)] {
            assert_eq!(tx.patients().is_own_card(one, who).await.unwrap(), is_own);
        }
    }

    async fn who_was_called_or_seen_is_settled_and_who_waits_is_not(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let holder = holder(&hospital, 1);
        let seen = visit(&hospital, 0).await;
        hospital.write(async |tx| {
            assert!(tx.holders().insert(&holder).await.unwrap());
        }).await;
        let is_settled = async |patient| {
            db.read().await.unwrap().patients().is_settled(patient, holder.id).await.unwrap()
        };
        assert!(is_settled(seen.patient_id).await);
        let nobody = hospital.ids.make(PatientId::from_uuid);
        assert!(!is_settled(nobody).await);
        let waiting = TicketRow { holder_id: Some(holder.id), ..hospital.ticket(hospital.other, 9, Level::Standard) };
        hospital.write(async |tx| tx.tickets().insert(&waiting).await.unwrap()).await;
        assert!(!is_settled(waiting.patient_id).await, "nobody has looked at who waits");
        let ended = hospital.find(seen.ticket_id).await;
        hospital.write(async |tx| {
            tx.tickets().finish(ended.id, ended.version, hospital.now()).await.unwrap().unwrap();
            let caller = Caller { clinic: hospital.other, ..hospital.caller(0) };
            let called = tx.tickets().call_next(caller, hospital.now()).await.unwrap().unwrap();
            assert_eq!(called.id, waiting.id);
            tx.tickets().restore(called.id, called.version, MoveReason::CallCancelled).await.unwrap().unwrap();
        }).await;
        assert!(is_settled(waiting.patient_id).await, "also when the call was taken back");
    }

    async fn what_was_done_under_another_spelling_is_found_and_somebody_elses_is_not(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let mut visits = Vec::new();
        for n in 1..=3_u8 {
            let visit = visit(&hospital, 0).await;
            let row = PatientRow { id: visit.patient_id, card_index: vec![n / 3; 16], ..patient(&hospital, n) };
            let sheet = prescription(&hospital, &visit, &format!("R-{n}"), Phase::Signed, ("2026-11-24", "2026-11-26"));
            kept(&hospital, &sheet).await;
            hospital.write(async |tx| {
                assert!(tx.patients().insert(&row).await.unwrap());
                let ticket = tx.tickets().find(visit.ticket_id).await.unwrap().unwrap();
                tx.tickets().finish(ticket.id, ticket.version, hospital.now()).await.unwrap();
                tx.visits().end(visit.id, VisitEnd::Finished, hospital.now()).await.unwrap();
            }).await;
            hospital.pass(Duration::from_secs(1));
            visits.push((visit, sheet.id));
        }
        let [(first, one), (second, other), (third, last)] = &visits[..] else { unreachable!("three were led") };
        let mut tx = db.read().await.unwrap();
        for (of, seen, sheets) in [
            (first, vec![second.id, first.id], vec![*one, *other]),
            (second, vec![second.id, first.id], vec![*one, *other]),
            (third, vec![third.id], vec![*last]),
        ] {
            let found = tx.visits().of_card(of.patient_id, 9).await.unwrap();
            assert_eq!(found.into_iter().map(|row| row.id).collect::<Vec<_>>(), seen);
            let active = tx.prescriptions().active(of.patient_id, "2026-11-24", "2026-11-26").await.unwrap();
            assert_eq!(active.into_iter().map(|row| row.id).collect::<Vec<_>>(), sheets);
            assert!(tx.visits().has_treated(of.doctor_id, of.patient_id).await.unwrap());
        }
        assert!(!tx.visits().has_treated(hospital.ids.make(AccountId::from_uuid), first.patient_id).await.unwrap());
    }

    async fn a_ticket_counts_for_whoever_named_the_document_and_its_mates_are_told(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (mother, father) = (holder(&hospital, 1), holder(&hospital, 2));
        let now = hospital.now();
        let mut tickets = Vec::new();
        hospital.write(async |tx| {
            for row in [&mother, &father] {
                assert!(tx.holders().insert(row).await.unwrap());
            }
        }).await;
        // The mother spells the name in two ways, the father in one of them; only one of hers waits.
        let other_spelling = PatientRow { card_index: vec![7; 16], ..patient(&hospital, 9) };
        for (n, parent) in [(1, &mother), (2, &father)] {
            let ticket = hospital.join(Level::Standard).await;
            let row = PatientRow { id: ticket.patient_id, card_index: vec![7; 16], ..patient(&hospital, n) };
            hospital.write(async |tx| {
                assert!(tx.patients().insert(&row).await.unwrap());
                tx.patients().relate(parent.id, row.id, Relation::Parent, now).await.unwrap();
            }).await;
            tickets.push(ticket);
        }
        hospital.write(async |tx| {
            assert!(tx.patients().insert(&other_spelling).await.unwrap());
            tx.patients().relate(mother.id, other_spelling.id, Relation::Parent, now).await.unwrap();
        }).await;
        let (hers, his) = (&tickets[0], &tickets[1]);
        let is_live = async |patient| db.read().await.unwrap().tickets().is_live(hospital.clinic, patient).await.unwrap();
        assert!(is_live(other_spelling.id).await, "one person to her, however she spells the name");
        let leaves = async |ticket: &TicketRow| {
            hospital.write(async |tx| tx.tickets().leave(ticket.id, ticket.version, now).await.unwrap().unwrap()).await;
        };
        let mates = async |of: &TicketRow| db.read().await.unwrap().tickets().mates(of).await.unwrap();
        assert_eq!((mates(hers).await, mates(his).await), (vec![his.no], vec![hers.no]));
        let in_visit = async |of: &TicketRow| db.read().await.unwrap().tickets().mate_in_visit(of).await.unwrap().map(|one| one.no);
        assert_eq!(in_visit(his).await, None, "she waits, and is in no visit");
        let served = hospital.serve(&hospital.call(0).await).await;
        assert_eq!((served.no, in_visit(his).await, in_visit(&served).await), (hers.no, Some(hers.no), None));
        let done = async |tx: &mut Tx| tx.tickets().finish(served.id, served.version, now).await.unwrap();
        hospital.write(done).await.unwrap();
        assert_eq!((in_visit(his).await, mates(his).await), (None, Vec::new()));
        assert!(!is_live(other_spelling.id).await, "what he waits for is not hers to learn");
        assert!(is_live(his.patient_id).await);
        leaves(his).await;
        assert!(!is_live(his.patient_id).await);
    }

    async fn a_patient_is_unknown_in_another_institution(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (holder, patient) = family(&hospital, 1).await;
        let abroad = hospital.ids.make(InstitutionId::from_uuid);
        let mut tx = db.read().await.unwrap();
        assert!(tx.patients().find(abroad, patient).await.unwrap().is_none());
        assert!(tx.patients().related(abroad, holder, patient).await.unwrap().is_none());
        assert!(tx.patients().of_holder(abroad, holder).await.unwrap().is_empty());
    }

    async fn only_who_answers_for_a_patient_alone_may_correct_the_birth_date(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, id) = family(&hospital, 1).await;
        let other = holder(&hospital, 2);
        let now = hospital.now();
        let correct = async |who, date: &str| {
            hospital.write(async |tx| tx.patients().correct(id, who, date, Sex::Male).await.unwrap()).await
        };
        assert!(correct(one, "1950-03-01").await);
        hospital.write(async |tx| {
            tx.holders().insert(&other).await.unwrap();
            tx.patients().relate(other.id, id, Relation::Spouse, now).await.unwrap();
        }).await;
        assert!(!correct(one, "1960-01-01").await);
        assert!(!correct(other.id, "1960-01-01").await);
        let found: Option<PatientRow> = db.read().await.unwrap().patients().find(hospital.institution, id).await.unwrap();
        assert!(found.is_some_and(|row| row.birth_date == "1950-03-01" && row.sex == Sex::Male));
    }

    async fn a_holder_sees_their_own_patients_in_the_order_in_which_they_were_named(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (mother, first) = family(&hospital, 1).await;
        let (_, strange) = family(&hospital, 2).await;
        let second = patient(&hospital, 3);
        hospital.pass(Duration::from_secs(1));
        let now = hospital.now();
        hospital.write(async |tx| {
            tx.patients().insert(&second).await.unwrap();
            tx.patients().relate(mother, second.id, Relation::Myself, now).await.unwrap();
            // Said again, otherwise: the relation changes, the order stays.
            tx.patients().relate(mother, first, Relation::Parent, now).await.unwrap();
        }).await;
        let mut tx = db.read().await.unwrap();
        let seen = tx.patients().of_holder(hospital.institution, mother).await.unwrap();
        let seen: Vec<(PatientId, Relation)> = seen.into_iter().map(|r| (r.patient.id, r.relation)).collect();
        assert_eq!(seen, [(first, Relation::Parent), (second.id, Relation::Myself)]);
        assert!(tx.patients().related(hospital.institution, mother, second.id).await.unwrap().is_some());
        assert!(tx.patients().related(hospital.institution, mother, strange).await.unwrap().is_none());
    }
}
