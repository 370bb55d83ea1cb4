//! Alarms.

use std::time::Duration;

use sqlx::types::Json;
use yunzhen::domain::alarm::{AlarmKind, AlarmOutcome, LEASE, RINGING};
use yunzhen::domain::ids::{AlarmId, HolderId};
use yunzhen::domain::text::Text;
use yunzhen::domain::triage::Level;
use yunzhen::store::AlarmRow;

use crate::support::hospital::Hospital;
use crate::support::on_both;

pub fn alarm(hospital: &Hospital, kind: AlarmKind) -> AlarmRow {
    let id = hospital.ids.make(AlarmId::from_uuid);
    AlarmRow {
        reasons: Json(vec![Text::new("胸痛", "chest pain")]),
        holder_id: Some(hospital.ids.make(HolderId::from_uuid)),
        ..AlarmRow::begun(id, hospital.institution, hospital.clinic, kind, hospital.now())
    }
}

pub async fn raise(hospital: &Hospital, alarm: &AlarmRow) {
    hospital.write(async |tx| tx.alarms().insert(alarm).await.unwrap()).await;
}

async fn take(hospital: &Hospital, alarm: &AlarmRow, desk: usize) -> bool {
    let account = hospital.desks[desk].doctor;
    hospital.write(async |tx| tx.alarms().take(alarm.id, account, hospital.now()).await.unwrap()).await
}

async fn close(hospital: &Hospital, alarm: &AlarmRow, desk: usize) -> bool {
    let account = hospital.desks[desk].doctor;
    let outcome = AlarmOutcome::HandedTo120;
    hospital
        .write(async |tx| tx.alarms().close(alarm.id, account, outcome, b"sealed", hospital.now()).await.unwrap())
        .await
}

on_both! {
    async fn an_alarm_is_found_as_it_was_raised(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let doctor = Some(hospital.desks[0].doctor);
        let call = AlarmRow { taken_by: doctor, taken_at: Some(hospital.now()), ..alarm(&hospital, AlarmKind::NurseCall) };
        for one in [&alarm(&hospital, AlarmKind::RedFlag), &call] {
            raise(&hospital, one).await;
            assert_eq!(db.read().await.unwrap().alarms().find(one.id).await.unwrap().as_ref(), Some(one));
        }
    }

    async fn one_of_two_who_reach_for_an_alarm_takes_it(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let raised = alarm(&hospital, AlarmKind::Triage);
        raise(&hospital, &raised).await;
        let (one, other) = tokio::join!(take(&hospital, &raised, 0), take(&hospital, &raised, 1));
        assert!(one != other);
        let winner = hospital.desks[usize::from(other)].doctor;
        let kept = db.read().await.unwrap().alarms().find(raised.id).await.unwrap().unwrap();
        assert_eq!((kept.taken_by, kept.taken_at, kept.version), (Some(winner), Some(hospital.now()), 2));
        assert!(!take(&hospital, &raised, usize::from(other)).await, "not even the winner again");
    }

    async fn only_the_one_who_took_an_alarm_closes_it_and_once(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let raised = alarm(&hospital, AlarmKind::Worsened);
        raise(&hospital, &raised).await;
        assert!(!close(&hospital, &raised, 0).await, "nobody took it");
        assert!(take(&hospital, &raised, 0).await);
        assert!(!close(&hospital, &raised, 1).await, "somebody else took it");
        assert!(close(&hospital, &raised, 0).await);
        assert!(!close(&hospital, &raised, 0).await);
        let kept = db.read().await.unwrap().alarms().find(raised.id).await.unwrap().unwrap();
        assert_eq!((kept.outcome, kept.closed_at), (Some(AlarmOutcome::HandedTo120), Some(hospital.now())));
        assert_eq!((kept.note_sealed.as_deref(), kept.version), (Some(&b"sealed"[..]), 3));
    }

    async fn open_alarms_stand_oldest_first_and_closed_ones_are_gone(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let mut raised = Vec::new();
        for kind in AlarmKind::ALL {
            hospital.pass(Duration::from_secs(1));
            raised.push(alarm(&hospital, kind));
        }
        for one in raised.iter().rev() {
            raise(&hospital, one).await;
        }
        assert!(take(&hospital, &raised[1], 0).await && close(&hospital, &raised[1], 0).await);
        let open = db.read().await.unwrap().alarms().open(hospital.institution).await.unwrap();
        let ids: Vec<AlarmId> = open.listed.iter().map(|one| one.alarm.id).collect();
        assert_eq!(ids, [raised[0].id, raised[2].id, raised[3].id]);
    }

    async fn a_clinic_hears_its_own_alarms_and_the_house_hears_all(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let here = alarm(&hospital, AlarmKind::RedFlag);
        let there = AlarmRow { clinic_id: hospital.other, ..alarm(&hospital, AlarmKind::RedFlag) };
        for one in [&here, &there] {
            raise(&hospital, one).await;
        }
        let mut tx = db.read().await.unwrap();
        for (clinic, own) in [(hospital.clinic, &here), (hospital.other, &there)] {
            let open = tx.alarms().open_at(hospital.institution, clinic).await.unwrap();
            assert_eq!(open.listed.iter().map(|one| one.alarm.id).collect::<Vec<_>>(), [own.id]);
        }
        assert_eq!(tx.alarms().open(hospital.institution).await.unwrap().listed.len(), 2);
    }

    async fn a_folded_alarm_is_counted_behind_the_newest_of_its_origin_and_rises_when_one_of_them_is_taken(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let of = |origin: u8, folded| {
            hospital.pass(Duration::from_secs(1));
            AlarmRow { origin: Some(vec![origin; 16]), folded, ..alarm(&hospital, AlarmKind::RedFlag) }
        };
        let ringing = [of(1, false), of(1, false), of(1, false)];
        let (folded, last, stranger) = (of(1, true), of(1, true), of(2, false));
        for one in ringing.iter().chain([&folded, &last, &stranger]) {
            raise(&hospital, one).await;
        }
        let tx = async || db.read().await.unwrap();
        assert_eq!(tx().await.alarms().count_ringing(hospital.clinic, &[1; 16]).await.unwrap(), RINGING);
        let open = tx().await.alarms().open(hospital.institution).await.unwrap();
        assert_eq!(open.listed.len(), 4, "what is folded is not listed");
        for (one, behind) in ringing.iter().chain([&stranger]).zip([0, 0, 2, 0]) {
            assert_eq!(tx().await.alarms().count_behind(one).await.unwrap(), behind);
        }
        let rise = async |one: &AlarmRow| hospital.write(async |tx| tx.alarms().rise(one.id).await.unwrap()).await;
        assert!(tx().await.alarms().next_to_rise(0).await.unwrap().is_none() && !rise(&folded).await);
        assert!(take(&hospital, &ringing[1], 0).await);
        assert_eq!(tx().await.alarms().next_to_rise(0).await.unwrap().as_ref(), Some(&folded), "the oldest");
        assert!(rise(&folded).await && !rise(&folded).await && !rise(&last).await, "one place, one alarm");
        assert!(take(&hospital, &last, 0).await, "whoever finds a folded one may take it");
        assert!(!tx().await.alarms().find(last.id).await.unwrap().unwrap().folded);
    }

    async fn the_open_alarm_of_a_ticket_is_the_newest(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await.id;
        let ticket_id = Some(ticket);
        let older = AlarmRow { ticket_id, ..alarm(&hospital, AlarmKind::NurseCall) };
        hospital.pass(Duration::from_secs(1));
        let newer = AlarmRow { ticket_id, ..alarm(&hospital, AlarmKind::Worsened) };
        raise(&hospital, &newer).await;
        raise(&hospital, &older).await;
        let open = async || {
            let mut tx = db.read().await.unwrap();
            tx.alarms().open_for_ticket(ticket).await.unwrap().map(|alarm| alarm.id)
        };
        assert_eq!(open().await, Some(newer.id));
        assert!(take(&hospital, &newer, 0).await && close(&hospital, &newer, 0).await);
        assert_eq!(open().await, Some(older.id));
    }

    async fn a_flood_of_strangers_hides_no_patients_alarm(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        for n in 0..200_u8 {
            let origin = Some(vec![n; 16]);
            raise(&hospital, &AlarmRow { origin, ..alarm(&hospital, AlarmKind::RedFlag) }).await;
        }
        hospital.pass(Duration::from_secs(1));
        let ticket = hospital.join(Level::Standard).await;
        let of_patient = AlarmRow { patient_id: Some(ticket.patient_id), ..alarm(&hospital, AlarmKind::Triage) };
        raise(&hospital, &of_patient).await;
        let open = db.read().await.unwrap().alarms().open(hospital.institution).await.unwrap();
        assert_eq!((open.listed.len(), open.unlisted), (201, 0));
        assert_eq!(open.listed.last().map(|one| one.alarm.id), Some(of_patient.id));
    }

    async fn a_flood_of_strangers_hides_no_stranger_who_calls_from_elsewhere(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let of = |origin: u8| {
            hospital.pass(Duration::from_secs(1));
            AlarmRow { origin: Some(vec![origin; 16]), ..alarm(&hospital, AlarmKind::RedFlag) }
        };
        let mut flood = Vec::new();
        for n in 0..210_u8 {
            flood.push(of(n / 3));
        }
        let held = of(200);
        let last = of(201);
        for one in flood.iter().chain([&held, &last]) {
            raise(&hospital, one).await;
        }
        assert!(take(&hospital, &held, 0).await);
        let open = db.read().await.unwrap().alarms().open(hospital.institution).await.unwrap();
        let ids: Vec<AlarmId> = open.listed.iter().map(|one| one.alarm.id).collect();
        let mut wanted: Vec<AlarmId> = flood.chunks(3).flat_map(|three| [three[0].id, three[2].id]).collect();
        wanted.extend([held.id, last.id]);
        assert_eq!(ids, wanted, "of each network the one that waits longest, and the newest");
        assert_eq!(open.unlisted, 70, "how many more ring");
        let behind: Vec<_> = open.listed.iter().map(|one| one.behind).collect();
        assert_eq!((&behind[..2], &behind[140..]), (&[Some(0), Some(1)][..], &[None, Some(0)][..]));
    }

    async fn a_ticket_gets_the_open_alarms_of_its_patient_and_clinic_and_no_nurses_call(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let holder = Some(hospital.ids.make(HolderId::from_uuid));
        let of_patient =
            |kind| AlarmRow { patient_id: Some(ticket.patient_id), holder_id: holder, ..alarm(&hospital, kind) };
        let first = of_patient(AlarmKind::Triage);
        hospital.pass(Duration::from_secs(1));
        let second = of_patient(AlarmKind::Worsened);
        let call = of_patient(AlarmKind::NurseCall);
        let closed = of_patient(AlarmKind::Triage);
        let elsewhere = AlarmRow { clinic_id: hospital.other, ..of_patient(AlarmKind::Triage) };
        let nobodys = alarm(&hospital, AlarmKind::RedFlag);
        let others = Some(hospital.ids.make(HolderId::from_uuid));
        let others = AlarmRow { holder_id: others, ..of_patient(AlarmKind::Triage) };
        for one in [&others, &second, &first, &call, &closed, &elsewhere, &nobodys] {
            raise(&hospital, one).await;
        }
        assert!(take(&hospital, &closed, 0).await && close(&hospital, &closed, 0).await);
        let found = db.read().await.unwrap().alarms().open_for_patient(hospital.clinic, ticket.patient_id, holder).await.unwrap();
        assert_eq!(found.as_ref(), Some(&first));
        let attached = hospital.write(async |tx| {
            tx.alarms().attach(hospital.clinic, ticket.patient_id, holder, ticket.id).await.unwrap()
        });
        let ticket_id = Some(ticket.id);
        let expected = [first, second].map(|one| AlarmRow { ticket_id, version: 2, ..one });
        assert_eq!(attached.await, expected);
    }

    async fn a_ticket_has_every_open_alarm_that_nobody_took_and_no_nurses_call(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let of_ticket = |kind| AlarmRow { ticket_id: Some(ticket.id), ..alarm(&hospital, kind) };
        let first = of_ticket(AlarmKind::Triage);
        hospital.pass(Duration::from_secs(1));
        let second = of_ticket(AlarmKind::Worsened);
        let (taken, call) = (of_ticket(AlarmKind::Triage), of_ticket(AlarmKind::NurseCall));
        for one in [&second, &first, &taken, &call, &alarm(&hospital, AlarmKind::RedFlag)] {
            raise(&hospital, one).await;
        }
        assert!(take(&hospital, &taken, 0).await);
        let found = db.read().await.unwrap().alarms().untaken_of_ticket(ticket.id).await.unwrap();
        assert_eq!(found, [first, second]);
    }

    async fn an_open_alarm_goes_along_from_ticket_to_ticket_and_a_nurses_call_stays(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let [first, second] = [hospital.join(Level::Standard).await, hospital.join(Level::Standard).await];
        let of_first = |kind| AlarmRow { ticket_id: Some(first.id), ..alarm(&hospital, kind) };
        let (open, closed, call) =
            (of_first(AlarmKind::Triage), of_first(AlarmKind::Worsened), of_first(AlarmKind::NurseCall));
        for one in [&open, &closed, &call] {
            raise(&hospital, one).await;
        }
        assert!(take(&hospital, &closed, 0).await && close(&hospital, &closed, 0).await);
        let moved = hospital.write(async |tx| tx.alarms().go_along(first.id, second.id).await.unwrap()).await;
        assert_eq!(moved.iter().map(|one| (one.id, one.ticket_id)).collect::<Vec<_>>(), [(open.id, Some(second.id))]);
    }

    async fn a_taken_alarm_is_taken_over_by_another_and_the_first_can_close_it_no_more(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let raised = alarm(&hospital, AlarmKind::RedFlag);
        raise(&hospital, &raised).await;
        let over = async |desk: usize| {
            let account = hospital.desks[desk].doctor;
            hospital.write(async |tx| tx.alarms().take_over(raised.id, account, hospital.now()).await.unwrap()).await
        };
        assert!(!over(1).await, "nobody has it");
        assert!(take(&hospital, &raised, 0).await);
        assert!(!over(0).await, "who has it takes nothing over");
        assert!(over(1).await);
        assert!(!close(&hospital, &raised, 0).await && close(&hospital, &raised, 1).await);
        assert!(!over(0).await, "it is closed");
    }

    async fn a_taker_who_is_not_heard_loses_the_alarm_and_one_who_is_heard_keeps_it(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (silent, heard) = (alarm(&hospital, AlarmKind::RedFlag), alarm(&hospital, AlarmKind::Triage));
        for (desk, one) in [&silent, &heard].into_iter().enumerate() {
            raise(&hospital, one).await;
            assert!(take(&hospital, one, desk).await);
        }
        hospital.pass(LEASE);
        let unheard = async || db.read().await.unwrap().alarms().unheard(hospital.now()).await.unwrap();
        assert!(unheard().await.is_empty(), "not before the time is over");
        let (account, until) = (hospital.desks[1].doctor, hospital.now() + LEASE);
        assert_eq!(hospital.write(async |tx| tx.alarms().renew(account, until).await.unwrap()).await, 1);
        hospital.pass(Duration::from_millis(1));
        assert_eq!(unheard().await.iter().map(|one| one.id).collect::<Vec<_>>(), [silent.id]);
        let let_go = async |one: &AlarmRow| {
            hospital.write(async |tx| tx.alarms().let_go(one.id, hospital.now()).await.unwrap()).await
        };
        assert!(let_go(&silent).await && !let_go(&silent).await && !let_go(&heard).await);
        assert!(take(&hospital, &silent, 1).await, "it rings again, and anybody may take it");
    }

    async fn an_alarm_is_handed_back_by_who_has_it_and_after_a_restart_everybody_gets_time(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let raised = alarm(&hospital, AlarmKind::Worsened);
        raise(&hospital, &raised).await;
        let back = async |desk: usize| {
            let account = hospital.desks[desk].doctor;
            hospital.write(async |tx| tx.alarms().hand_back(raised.id, account).await.unwrap()).await
        };
        assert!(take(&hospital, &raised, 0).await);
        assert!(!back(1).await && back(0).await && !back(0).await);
        assert!(take(&hospital, &raised, 1).await);
        assert!(hospital.write(async |tx| tx.alarms().has_any(hospital.desks[1].doctor).await.unwrap()).await);
        hospital.pass(LEASE * 2);
        let until = hospital.now() + LEASE;
        assert_eq!(hospital.write(async |tx| tx.alarms().forgive(until).await.unwrap()).await, 1);
        assert!(db.read().await.unwrap().alarms().unheard(hospital.now()).await.unwrap().is_empty());
    }
}
