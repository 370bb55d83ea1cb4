//! Process records.

use yunzhen::domain::ids::{ClinicId, InstitutionId, ParticipantId, RecordingId};
use yunzhen::domain::recording::retain_until;
use yunzhen::domain::room::{ParticipantRole, RoomPurpose, Standing};
use yunzhen::domain::visit::VisitEnd;
use yunzhen::services::hospital::clinic_settings::ClinicSet;
use yunzhen::services::recordings::set_policy;
use yunzhen::store::{ClinicRow, InstitutionRow, RecordingRow, SeatRow, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::{room, visit};

fn seat(hospital: &Hospital, visit: &VisitRow) -> SeatRow {
    SeatRow {
        participant_id: hospital.ids.make(ParticipantId::from_uuid),
        room_id: visit.room_id,
        subject: "holder_1".into(),
        role: ParticipantRole::Patient,
        name_zh: "演示患者甲".into(),
        name_en: "Demo patient".into(),
        standing: Standing::Inside,
        muted: false,
        created_at: hospital.now(),
    }
}

fn film(hospital: &Hospital, visit: &VisitRow, seat: &SeatRow) -> RecordingRow {
    RecordingRow {
        id: hospital.ids.make(RecordingId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        room_id: visit.room_id,
        participant_id: seat.participant_id,
        is_screen: true,
        part: 1,
        started_at: hospital.now(),
        millis: 61_000,
        consent_version: "2026-11".into(),
        consent_at: hospital.now(),
        retain_until: retain_until(hospital.now()),
        is_cut: true,
        is_withdrawn: true,
        is_unpictured: true,
        gaps: 2,
        place: "a/b/c".into(),
        size: 5_000_000_000,
        stored_size: 5_000_000_100,
        hash: "00".into(),
        key_sealed: vec![1, 2, 3],
        stored_at: hospital.now(),
    }
}

/// A visit with a film.
pub async fn kept(hospital: &Hospital) -> (VisitRow, RecordingRow) {
    let visit = visit(hospital, 0).await;
    let seat = seat(hospital, &visit);
    let row = film(hospital, &visit, &seat);
    hospital
        .write(async |tx| {
            tx.rooms().seat(&seat).await.unwrap();
            tx.recordings().insert(&row).await.unwrap();
        })
        .await;
    (visit, row)
}

on_both! {
    async fn a_recording_is_kept_once_found_by_its_visit_and_its_doctor_and_kept_longer_when_the_visit_ends_later(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let seat = seat(&hospital, &visit);
        let row = film(&hospital, &visit, &seat);
        hospital.write(async |tx| tx.rooms().seat(&seat).await.unwrap()).await;
        assert!(hospital.write(async |tx| tx.recordings().insert(&row).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.recordings().insert(&row).await.unwrap()).await, "a second time");
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.recordings().find(row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(tx.recordings().of_visit(visit.id).await.unwrap(), std::slice::from_ref(&row));
        assert_eq!(tx.recordings().of_doctor(visit.doctor_id, 10).await.unwrap(), std::slice::from_ref(&row));
        drop(tx);
        let later = row.retain_until + std::time::Duration::from_hours(1);
        for until in [later, row.retain_until] {
            hospital.write(async |tx| tx.recordings().retain(visit.id, until).await.unwrap()).await;
            let found = db.read().await.unwrap().recordings().find(row.id).await.unwrap().unwrap();
            assert_eq!(found.retain_until, later, "never shorter");
        }
    }

    async fn the_films_of_a_visit_that_another_doctor_begins_anew_are_that_doctors(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (visit, row) = kept(&hospital).await;
        let next = VisitRow { doctor_id: hospital.desks[1].doctor, desk_id: hospital.desks[1].id, ..visit.clone() };
        hospital.write(async |tx| tx.visits().restart(&next).await.unwrap()).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.recordings().of_doctor(next.doctor_id, 10).await.unwrap(), [row]);
        assert_eq!(tx.recordings().of_doctor(visit.doctor_id, 10).await.unwrap(), []);
    }

    async fn a_clinic_records_nobody_until_it_is_told_to(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let clinic = visit.clinic_id;
        let wants = async || db.read().await.unwrap().recordings().is_wanted(clinic).await.unwrap();
        assert!(!wants().await);
        for is_wanted in [true, false] {
            hospital.write(async |tx| tx.recordings().set_wanted(clinic, is_wanted).await.unwrap()).await;
            assert_eq!(wants().await, is_wanted);
        }
    }

    async fn where_several_institutions_have_such_a_clinic_the_wish_names_one_or_changes_nothing(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = visit(&hospital, 0).await.clinic_id;
        let own = db.read().await.unwrap().clinics().find(first).await.unwrap().unwrap();
        let partner = InstitutionRow {
            id: hospital.ids.make(InstitutionId::from_uuid),
            name_zh: "另一机构".into(),
            ..hospital.institution_row()
        };
        let clinic = ClinicRow {
            id: hospital.ids.make(ClinicId::from_uuid),
            institution_id: partner.id,
            link_token: "partners-link".into(),
            ..own.clone()
        };
        hospital.write(async |tx| {
            tx.institutions().insert(&partner).await.unwrap();
            tx.clinics().insert(&clinic).await.unwrap();
        }).await;
        let set = async |institution: Option<&str>| set_policy(&db, hospital.now(), &own.code, institution, true).await.unwrap();
        let wants = async |clinic| db.read().await.unwrap().recordings().is_wanted(clinic).await.unwrap();
        assert!(matches!(set(None).await, ClinicSet::Several(names) if names.len() == 2));
        assert!(matches!(set(Some("nobody")).await, ClinicSet::NoClinic(known) if known.contains(&own.code)));
        assert_eq!((wants(first).await, wants(clinic.id).await), (false, false));
        assert_eq!(set(Some("另一机构")).await, ClinicSet::Done);
        assert_eq!((wants(first).await, wants(clinic.id).await), (false, true));
        assert_eq!(set(Some(&hospital.institution.as_uuid().to_string())).await, ClinicSet::Done);
        assert!(wants(first).await);
    }

    async fn a_recording_may_go_after_its_time_and_not_a_millisecond_before(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let (_, row) = kept(&hospital).await;
        let may_go = async |now| db.read().await.unwrap().recordings().removable(now, 9, 0).await.unwrap().len();
        let a_millisecond = std::time::Duration::from_millis(1);
        assert_eq!(may_go(row.retain_until).await, 0);
        assert_eq!(may_go(row.retain_until + a_millisecond).await, 1);
        let remove = async || hospital.write(async |tx| tx.recordings().remove(row.id).await.unwrap()).await;
        assert_eq!((remove().await, remove().await), (true, false));
    }

    async fn a_recording_of_a_wrong_person_is_shown_to_nobody_and_may_go_at_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let (visit, row) = kept(&hospital).await;
        let seen = async || {
            let mut tx = db.read().await.unwrap();
            let of_visit = tx.recordings().of_visit(visit.id).await.unwrap().len();
            let of_doctor = tx.recordings().of_doctor(visit.doctor_id, 9).await.unwrap().len();
            (of_visit, of_doctor, tx.recordings().removable(hospital.now(), 9, 0).await.unwrap().len())
        };
        assert_eq!(seen().await, (1, 1, 0));
        hospital.write(async |tx| tx.visits().end(visit.id, VisitEnd::WrongPerson, hospital.now()).await.unwrap()).await;
        assert_eq!(seen().await, (0, 0, 1));
        // One of a room before, where the doctor was lost, showed somebody else.
        let before = room(&hospital, RoomPurpose::Nurse, visit.id.as_uuid());
        let seat = SeatRow { room_id: before.id, participant_id: hospital.ids.make(ParticipantId::from_uuid), ..seat(&hospital, &visit) };
        let id = hospital.ids.make(RecordingId::from_uuid);
        let earlier = RecordingRow { id, room_id: before.id, participant_id: seat.participant_id, ..row };
        hospital.write(async |tx| {
            tx.rooms().insert(&before).await.unwrap();
            tx.rooms().seat(&seat).await.unwrap();
            tx.recordings().insert(&earlier).await.unwrap();
        }).await;
        assert_eq!(seen().await, (1, 1, 1));
    }
}
