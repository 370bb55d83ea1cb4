//! Institutions, clinics, accounts, desks, sessions.

use std::time::Duration;

use uuid::Uuid;
use yunzhen::domain::desk::DeskPhase;
use yunzhen::domain::ids::{AccountId, ClinicId, DeskId, InstitutionId, InvitationId, SessionId};
use yunzhen::domain::time::Timestamp;
use yunzhen::store::{DeskRow, SecondFactorRow, SessionRow, StoreError};

use crate::support::hospital::{Desk, Hospital, MORNING};
use crate::support::on_both;
use crate::support::sql::run;

fn at(secs: u64) -> Timestamp {
    MORNING + Duration::from_secs(secs)
}

fn session(hospital: &Hospital, refresh: &[u8]) -> SessionRow {
    SessionRow {
        id: hospital.ids.make(SessionId::from_uuid),
        institution_id: hospital.institution,
        subject_kind: "staff".into(),
        subject_id: hospital.ids.uuid(),
        refresh_hash: refresh.to_vec(),
        previous_hash: None,
        rotated_at: at(0),
        expires_at: at(3600),
        revoked_at: None,
        created_at: at(0),
        acted_at: at(0),
        browser: None,
    }
}

async fn desk(hospital: &Hospital, id: DeskId) -> DeskRow {
    hospital.db.read().await.unwrap().desks().find(id).await.unwrap().unwrap()
}

on_both! {
    async fn a_fresh_database_has_no_institution_and_a_hospital_makes_one(db: Db) {
        assert_eq!(db.read().await.unwrap().institutions().count().await.unwrap(), 0);
        let hospital = Hospital::open(&db, 0).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.institutions().count().await.unwrap(), 1);
        let kept = tx.institutions().find(hospital.institution).await.unwrap().unwrap();
        assert_eq!((kept.kind.as_str(), kept.name_zh.as_str()), ("hospital", "演示医院"));
        let stranger = hospital.ids.make(InstitutionId::from_uuid);
        assert_eq!(tx.institutions().find(stranger).await.unwrap(), None);
    }

    async fn a_clinic_is_found_as_it_was_kept_by_id_link_and_institution(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut tx = db.read().await.unwrap();
        let row = hospital.clinic_row(hospital.clinic, "fever");
        assert_eq!(tx.clinics().find(hospital.clinic).await.unwrap(), Some(row.clone()));
        assert_eq!(tx.clinics().by_link("link-fever").await.unwrap(), Some(row));
        assert_eq!(tx.clinics().by_link("link-none").await.unwrap(), None);
        let codes: Vec<String> =
            tx.clinics().of(hospital.institution).await.unwrap().into_iter().map(|clinic| clinic.code).collect();
        assert_eq!(codes, ["fever", "tcm"]);
        let found = tx.clinics().of_code("fever").await.unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.institution_id, one.id)).collect();
        assert_eq!(found, [(hospital.institution, hospital.clinic)]);
        assert!(tx.clinics().of_code("no such").await.unwrap().is_empty());
    }

    async fn a_clinics_policy_changes_and_an_unknown_clinic_has_none(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        assert!(hospital.write(async |tx| tx.clinics().set_policy(hospital.clinic, false, 5).await.unwrap()).await);
        let stranger = hospital.ids.make(ClinicId::from_uuid);
        assert!(!hospital.write(async |tx| tx.clinics().set_policy(stranger, false, 5).await.unwrap()).await);
        let kept = db.read().await.unwrap().clinics().find(hospital.clinic).await.unwrap().unwrap();
        assert_eq!((kept.is_open, kept.ring_secs), (false, 5));
    }

    async fn a_taken_user_name_or_link_is_a_conflict(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let twin = hospital.account_row(hospital.ids.make(AccountId::from_uuid), "doctor0");
        let refused = hospital.write(async |tx| tx.accounts().insert(&twin).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
        let twin = hospital.clinic_row(hospital.ids.make(ClinicId::from_uuid), "fever");
        let refused = hospital.write(async |tx| tx.clinics().insert(&twin).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
    }

    async fn an_account_is_found_by_id_and_by_its_exact_user_name(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let row = hospital.account_row(hospital.desks[0].doctor, "doctor0");
        let mut tx = db.read().await.unwrap();
        assert!(tx.accounts().find(row.id).await.unwrap() == Some(row.clone()));
        assert!(tx.accounts().by_username("doctor0").await.unwrap() == Some(row));
        assert!(tx.accounts().by_username("Doctor0").await.unwrap().is_none());
    }

    async fn a_desk_changes_only_under_the_version_that_was_seen(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let seen = desk(&hospital, hospital.desks[0].id).await;
        let paused = DeskRow { state: DeskPhase::Paused, paused_until: Some(at(60)), lease_until: Some(at(90)), ..seen };
        assert!(hospital.write(async |tx| tx.desks().update(&paused).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.desks().update(&paused).await.unwrap()).await, "the version is old");
        let kept = desk(&hospital, paused.id).await;
        assert_eq!(kept, DeskRow { version: paused.version + 1, ..paused });
    }

    async fn a_doctor_works_at_one_desk_only(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let [first, second] = [hospital.desks[0], hospital.desks[1]];
        let seat = DeskRow { account_id: Some(first.doctor), ..desk(&hospital, second.id).await };
        let refused = hospital.write(async |tx| tx.desks().update(&seat).await).await;
        assert!(matches!(refused, Err(StoreError::Conflict)));
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.desks().of_account(first.doctor).await.unwrap().unwrap().id, first.id);
        let names: Vec<String> =
            tx.desks().of_clinic(hospital.clinic).await.unwrap().into_iter().map(|desk| desk.name_zh).collect();
        assert_eq!(names, ["000", "001"]);
    }

    async fn two_desks_may_be_without_a_doctor(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        for name in ["a", "b"] {
            let desk = Desk { id: hospital.ids.make(DeskId::from_uuid), doctor: hospital.ids.make(AccountId::from_uuid) };
            let row = DeskRow { account_id: None, state: DeskPhase::Closed, ..hospital.desk_row(desk, name) };
            hospital.write(async |tx| tx.desks().insert(&row).await.unwrap()).await;
        }
    }

    async fn a_desk_is_overdue_when_its_lease_or_its_pause_has_run_out(db: Db) {
        let hospital = Hospital::open(&db, 4).await;
        let change = [(DeskPhase::Open, Some(at(10)), None), (DeskPhase::Paused, Some(at(99)), Some(at(10))), (DeskPhase::Closed, Some(at(10)), None)];
        for (desk_of, (state, lease_until, paused_until)) in hospital.desks.iter().zip(change) {
            let row =
                DeskRow { state, lease_until, paused_until, ..desk(&hospital, desk_of.id).await };
            assert!(hospital.write(async |tx| tx.desks().update(&row).await.unwrap()).await);
        }
        let overdue = async |now| -> Vec<DeskId> {
            let mut tx = db.read().await.unwrap();
            tx.desks().overdue(now).await.unwrap().into_iter().map(|desk| desk.id).collect()
        };
        assert_eq!(overdue(at(10)).await, [], "the last moment still counts");
        let mut expected = [hospital.desks[0].id, hospital.desks[1].id];
        expected.sort();
        assert_eq!(overdue(at(11)).await, expected);
    }

    async fn only_the_one_who_works_there_renews_a_desk(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let [first, second] = [hospital.desks[0], hospital.desks[1]];
        assert!(hospital.write(async |tx| tx.desks().renew(first.id, first.doctor, at(90)).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.desks().renew(first.id, second.doctor, at(99)).await.unwrap()).await);
        let kept = desk(&hospital, first.id).await;
        assert_eq!((kept.lease_until, kept.version), (Some(at(90)), 1), "a heartbeat is no change");
        let closed = DeskRow { state: DeskPhase::Closed, ..kept };
        assert!(hospital.write(async |tx| tx.desks().update(&closed).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.desks().renew(first.id, first.doctor, at(99)).await.unwrap()).await);
    }

    async fn after_a_restart_desks_at_work_are_forgiven_and_no_lease_is_shortened(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        for (desk_of, (state, lease)) in hospital.desks.iter().zip([(DeskPhase::Open, 10), (DeskPhase::Paused, 99), (DeskPhase::Lost, 10)]) {
            let row = DeskRow { state, lease_until: Some(at(lease)), ..desk(&hospital, desk_of.id).await };
            assert!(hospital.write(async |tx| tx.desks().update(&row).await.unwrap()).await);
        }
        assert_eq!(hospital.write(async |tx| tx.desks().forgive(at(50)).await.unwrap()).await, 1);
        let mut leases = Vec::new();
        for desk_of in &hospital.desks {
            leases.push(desk(&hospital, desk_of.id).await.lease_until);
        }
        assert_eq!(leases, [Some(at(50)), Some(at(99)), Some(at(10))]);
    }

    async fn a_refresh_token_is_exchanged_once_and_the_one_before_is_remembered(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = session(&hospital, b"one");
        hospital.write(async |tx| tx.sessions().insert(&row).await.unwrap()).await;
        let rotate = async |old: &[u8], new: &[u8]| {
            hospital.write(async |tx| tx.sessions().rotate(row.id, old, new, at(5)).await.unwrap()).await
        };
        assert!(rotate(b"one", b"two").await);
        assert!(!rotate(b"one", b"three").await, "the same token again");
        let mut tx = db.read().await.unwrap();
        let by_new = tx.sessions().by_refresh(b"two").await.unwrap().unwrap();
        let by_old = tx.sessions().by_refresh(b"one").await.unwrap().unwrap();
        assert!(by_new == by_old && by_new.previous_hash.as_deref() == Some(b"one") && by_new.rotated_at == at(5));
        assert!(tx.sessions().by_refresh(b"three").await.unwrap().is_none());
    }

    async fn a_session_stands_until_it_ends_or_its_account_is_closed(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let doctor = hospital.desks[0].doctor;
        let staff = SessionRow { subject_kind: "staff".into(), subject_id: doctor.as_uuid(), ..session(&hospital, b"staff") };
        let holder = SessionRow { subject_kind: "holder".into(), ..session(&hospital, b"holder") };
        for row in [&staff, &holder] {
            hospital.write(async |tx| tx.sessions().insert(row).await.unwrap()).await;
        }
        let stands = async |row: &SessionRow, now| db.read().await.unwrap().sessions().stands(row.id, now).await.unwrap();
        let (early, late) = (Timestamp::from_millis(staff.expires_at.as_millis() - 1), staff.expires_at);
        assert!(stands(&staff, early).await && stands(&holder, early).await);
        assert!(!stands(&staff, late).await && !stands(&holder, late).await, "until its end");
        run(&db, "update account set active = (1 = 0)").await;
        assert!(!stands(&staff, early).await, "a closed account has no session");
        assert!(stands(&holder, early).await);
    }

    async fn an_act_is_noted_now_and_then_and_ends_no_rest_and_a_proof_does(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = SessionRow { browser: Some("Firefox".into()), ..session(&hospital, b"one") };
        hospital.write(async |tx| tx.sessions().insert(&row).await.unwrap()).await;
        let kept = async || db.read().await.unwrap().sessions().find(row.id).await.unwrap().unwrap();
        assert!(kept().await == row);
        let act = async |now: u64| {
            let (noted, rested) = (at(now) - Duration::from_mins(1), at(now) - Duration::from_mins(30));
            hospital.write(async |tx| tx.sessions().act(row.id, at(now), noted, rested).await.unwrap()).await
        };
        assert!(!act(59).await && act(60).await && !act(119).await);
        assert_eq!(kept().await.acted_at, at(60));
        assert!(act(60 + 1799).await && !act(60 + 1799 + 1800).await, "half an hour is a rest");
        let prove = async |now| hospital.write(async |tx| tx.sessions().prove(row.id, at(now)).await.unwrap()).await;
        assert!(prove(3660).await);
        assert_eq!(kept().await.acted_at, at(3660));
        hospital.write(async |tx| tx.sessions().revoke(row.id, at(3661)).await.unwrap()).await;
        assert!(!prove(3662).await, "an ended session proves nothing");
    }

    async fn the_standing_sessions_of_a_member_of_staff_are_found_and_no_others(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let [doctor, other] = [hospital.desks[0].doctor, hospital.desks[1].doctor];
        let of = |account: AccountId, refresh: &[u8], began| SessionRow {
            subject_id: account.as_uuid(),
            created_at: at(began),
            ..session(&hospital, refresh)
        };
        let (older, newer) = (of(doctor, b"older", 1), of(doctor, b"newer", 2));
        let ended = SessionRow { expires_at: at(10), ..of(doctor, b"ended", 3) };
        let holder = SessionRow { subject_kind: "holder".into(), ..of(doctor, b"holder", 4) };
        for row in [&older, &newer, &ended, &holder, &of(other, b"other", 5)] {
            hospital.write(async |tx| tx.sessions().insert(row).await.unwrap()).await;
        }
        let found = async || {
            let rows = db.read().await.unwrap().sessions().of_staff(doctor, at(10)).await.unwrap();
            rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
        };
        assert_eq!(found().await, [newer.id, older.id]);
        hospital.write(async |tx| tx.sessions().revoke(newer.id, at(9)).await.unwrap()).await;
        assert_eq!(found().await, [older.id]);
    }

    async fn a_session_that_gave_way_to_newer_ones_is_told_apart_from_one_that_was_ended(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let doctor = hospital.desks[0].doctor;
        let of = |refresh: &[u8], began| SessionRow {
            subject_id: doctor.as_uuid(),
            created_at: at(began),
            ..session(&hospital, refresh)
        };
        let rows = [of(b"one", 1), of(b"two", 2), of(b"three", 3)];
        for row in &rows {
            hospital.write(async |tx| tx.sessions().insert(row).await.unwrap()).await;
        }
        let displaces = async |n: usize, now| {
            hospital.write(async |tx| tx.sessions().displace(rows[n].id, at(now)).await.unwrap()).await
        };
        assert!(displaces(0, 7).await && displaces(1, 8).await && !displaces(1, 9).await, "once");
        hospital.write(async |tx| tx.sessions().revoke(rows[2].id, at(9)).await.unwrap()).await;
        assert!(!displaces(2, 9).await, "its owner ended it");
        let told = async |since, most| {
            let found = db.read().await.unwrap().sessions().displaced_of_staff(doctor, at(since), most).await.unwrap();
            found.into_iter().map(|row| (row.id, row.revoked_at)).collect::<Vec<_>>()
        };
        assert_eq!(told(0, 9).await, [(rows[1].id, Some(at(8))), (rows[0].id, Some(at(7)))]);
        assert_eq!((told(7, 9).await.len(), told(0, 1).await.len(), told(8, 9).await.len()), (1, 1, 0));
        assert!(db.read().await.unwrap().sessions().of_staff(doctor, at(9)).await.unwrap().is_empty());
    }

    async fn everybody_of_an_institution_is_found_and_a_licence_gets_its_end(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let doctor = hospital.desks[0].doctor;
        let all = async || db.read().await.unwrap().accounts().of_institution(hospital.institution).await.unwrap();
        assert_eq!(all().await.len(), 2);
        for until in [Some(at(7)), None] {
            hospital.write(async |tx| tx.accounts().set_licence(doctor, until).await.unwrap()).await;
            let kept = db.read().await.unwrap().accounts().find(doctor).await.unwrap().unwrap();
            assert_eq!(kept.licence_until, until);
        }
        run(&db, "update account set active = (1 = 0)").await;
        assert!(all().await.is_empty(), "a closed account works nowhere");
    }

    async fn a_code_of_a_second_factor_is_spent_once_and_a_confirmed_secret_is_not_replaced(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let doctor = hospital.desks[0].doctor;
        let row = |secret: &[u8]| SecondFactorRow {
            account_id: doctor,
            secret_sealed: secret.to_vec(),
            last_step: 0,
            confirmed_at: None,
            created_at: at(1),
        };
        let offer = async |secret: &'static [u8]| {
            hospital.write(async |tx| tx.second_factors().offer(&row(secret)).await.unwrap()).await
        };
        let spend = async |step| {
            hospital.write(async |tx| tx.second_factors().spend(doctor, step, at(9)).await.unwrap()).await
        };
        assert!(!spend(5).await, "there is none");
        assert!(offer(b"first").await && offer(b"second").await, "nobody confirmed the first");
        assert!(spend(5).await && !spend(5).await && !spend(4).await && spend(6).await);
        assert!(!offer(b"third").await);
        let kept = db.read().await.unwrap().second_factors().of(doctor).await.unwrap();
        let expected = SecondFactorRow { last_step: 6, confirmed_at: Some(at(9)), ..row(b"second") };
        assert!(kept == Some(expected));
        let forget = async || hospital.write(async |tx| tx.second_factors().forget(doctor).await.unwrap()).await;
        assert!(forget().await && !forget().await);
        assert!(offer(b"third").await);
    }

    async fn all_sessions_of_one_invitation_end_at_once_and_no_others(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let of = |subject, refresh: &[u8]| SessionRow {
            subject_kind: "guest".into(),
            subject_id: Uuid::from_u128(subject),
            ..session(&hospital, refresh)
        };
        let rows = [of(1, b"one"), of(1, b"two"), of(2, b"other")];
        let holder = SessionRow { subject_kind: "holder".into(), ..of(1, b"holder") };
        for row in rows.iter().chain([&holder]) {
            hospital.write(async |tx| tx.sessions().insert(row).await.unwrap()).await;
        }
        let invitation = InvitationId::from_uuid(Uuid::from_u128(1));
        let revoke = async |kept| {
            hospital.write(async |tx| tx.sessions().revoke_guests(invitation, kept, at(7)).await.unwrap()).await
        };
        assert_eq!(revoke(Some(rows[0].id)).await, [rows[1].id], "all but the one that has just come");
        assert_eq!(revoke(None).await, [rows[0].id]);
        assert!(revoke(None).await.is_empty());
        let mut tx = db.read().await.unwrap();
        assert!(tx.sessions().find(holder.id).await.unwrap().unwrap().revoked_at.is_none());
    }

    async fn a_session_ends_once_and_is_never_exchanged_again(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = session(&hospital, b"one");
        hospital.write(async |tx| tx.sessions().insert(&row).await.unwrap()).await;
        assert!(hospital.write(async |tx| tx.sessions().revoke(row.id, at(7)).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.sessions().revoke(row.id, at(8)).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.sessions().rotate(row.id, b"one", b"two", at(9)).await.unwrap()).await);
        let kept = db.read().await.unwrap().sessions().find(row.id).await.unwrap().unwrap();
        assert_eq!(kept.revoked_at, Some(at(7)));
    }
}
