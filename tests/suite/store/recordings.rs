//! Process records.

use yunzhen::domain::ids::{ParticipantId, RecordingId};
use yunzhen::domain::record::retain_until;
use yunzhen::domain::room::{ParticipantRole, Standing};
use yunzhen::store::{RecordingRow, SeatRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

on_both! {
    async fn a_recording_is_kept_once_found_by_its_visit_and_its_doctor_and_kept_longer_when_the_visit_ends_later(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let seat = SeatRow {
            participant_id: hospital.ids.make(ParticipantId::from_uuid),
            room_id: visit.room_id,
            subject: "holder_1".into(),
            role: ParticipantRole::Patient,
            name_zh: "演示患者甲".into(),
            name_en: "Demo patient".into(),
            standing: Standing::Inside,
            muted: false,
            created_at: hospital.now(),
        };
        let row = RecordingRow {
            id: hospital.ids.make(RecordingId::from_uuid),
            institution_id: hospital.institution,
            visit_id: visit.id,
            room_id: visit.room_id,
            participant_id: seat.participant_id,
            part: 1,
            started_at: hospital.now(),
            millis: 61_000,
            consent_version: "2026-11".into(),
            consent_at: hospital.now(),
            retain_until: retain_until(hospital.now()),
            is_cut: true,
            gaps: 2,
            place: "a/b/c".into(),
            size: 5_000_000_000,
            stored_size: 5_000_000_100,
            hash: "00".into(),
            key_sealed: vec![1, 2, 3],
            stored_at: hospital.now(),
        };
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

    async fn a_clinic_records_nobody_until_it_is_told_to(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let clinic = visit.clinic_id;
        let wants = async || db.read().await.unwrap().recordings().is_wanted(clinic).await.unwrap();
        assert!(!wants().await);
        let code = db.read().await.unwrap().clinics().find(clinic).await.unwrap().unwrap().code;
        for is_wanted in [true, false] {
            let set = hospital.write(async |tx| tx.recordings().set_wanted(&code, is_wanted).await.unwrap()).await;
            assert_eq!(set, [(hospital.institution, clinic)]);
            assert_eq!(wants().await, is_wanted);
        }
        let none = hospital.write(async |tx| tx.recordings().set_wanted("no such", true).await.unwrap()).await;
        assert!(none.is_empty());
    }
}
