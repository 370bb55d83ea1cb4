//! Rooms and the seats in them.

use std::time::Duration;

use yunzhen::domain::ids::{ParticipantId, RoomId};
use yunzhen::domain::room::{ParticipantRole, RoomPurpose, Standing};
use yunzhen::store::{RoomRow, SeatRow, StoreError};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::room;

async fn keep(hospital: &Hospital, room: &RoomRow) -> Result<(), StoreError> {
    hospital.write(async |tx| tx.rooms().insert(room).await).await
}

fn seat(hospital: &Hospital, room: RoomId, subject: &str) -> SeatRow {
    SeatRow {
        participant_id: hospital.ids.make(ParticipantId::from_uuid),
        room_id: room,
        subject: subject.to_owned(),
        role: ParticipantRole::Patient,
        name_zh: "演示患者甲".into(),
        name_en: "Demo patient".into(),
        standing: Standing::Inside,
        muted: false,
        created_at: hospital.now(),
    }
}

on_both! {
    async fn a_room_is_found_as_it_was_kept(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let agreed = (Some("process-record-1".to_owned()), Some(hospital.now()));
        let kept = RoomRow { recording: true, agreed_version: agreed.0, agreed_at: agreed.1, ..room(&hospital, RoomPurpose::Emergency, hospital.ids.uuid()) };
        keep(&hospital, &kept).await.unwrap();
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.rooms().find(kept.id).await.unwrap(), Some(kept.clone()));
        assert_eq!(tx.rooms().open_for(RoomPurpose::Emergency, kept.subject_id).await.unwrap(), Some(kept.clone()));
        assert_eq!(tx.rooms().open_for(RoomPurpose::Nurse, kept.subject_id).await.unwrap(), None);
        assert_eq!(tx.rooms().find(hospital.ids.make(RoomId::from_uuid)).await.unwrap(), None);
    }

    async fn a_room_stops_recording_once_and_then_nobody_agreed(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let agreed = (Some("process-record-1".to_owned()), Some(hospital.now()));
        let kept = room(&hospital, RoomPurpose::Visit, hospital.ids.uuid());
        let kept = RoomRow { recording: true, agreed_version: agreed.0, agreed_at: agreed.1, ..kept };
        keep(&hospital, &kept).await.unwrap();
        assert!(kept.agreed().is_some());
        let stop = async || hospital.write(async |tx| tx.rooms().stop_recording(kept.id).await.unwrap()).await;
        assert_eq!((stop().await, stop().await), (true, false));
        let found = db.read().await.unwrap().rooms().find(kept.id).await.unwrap().unwrap();
        assert_eq!((found.agreed(), found.agreed_version), (None, kept.agreed_version.clone()), "what was agreed stands");
    }

    async fn a_subject_has_one_open_room_for_a_purpose(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let subject = hospital.ids.uuid();
        let first = room(&hospital, RoomPurpose::Visit, subject);
        keep(&hospital, &first).await.unwrap();
        let twin = room(&hospital, RoomPurpose::Visit, subject);
        assert!(matches!(keep(&hospital, &twin).await, Err(StoreError::Conflict)));
        keep(&hospital, &room(&hospital, RoomPurpose::Nurse, subject)).await.unwrap();
        assert!(hospital.write(async |tx| tx.rooms().close(first.id, hospital.now()).await.unwrap()).await);
        keep(&hospital, &twin).await.unwrap();
    }

    async fn a_room_closes_once(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let kept = room(&hospital, RoomPurpose::Visit, hospital.ids.uuid());
        keep(&hospital, &kept).await.unwrap();
        let close = async || hospital.write(async |tx| tx.rooms().close(kept.id, hospital.now()).await.unwrap()).await;
        assert!(close().await);
        assert!(!close().await);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.rooms().find(kept.id).await.unwrap().unwrap().closed_at, Some(hospital.now()));
        assert_eq!(tx.rooms().open_for(RoomPurpose::Visit, kept.subject_id).await.unwrap(), None);
    }

    async fn rooms_that_nobody_closed_are_found_by_their_age_and_their_process_the_oldest_first(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let made = async |node: &str, purpose, ago: u64| {
            let opened_at = hospital.now() - Duration::from_mins(ago);
            let kept = room(&hospital, purpose, hospital.ids.uuid());
            let kept = RoomRow { node: node.to_owned(), opened_at, ..kept };
            keep(&hospital, &kept).await.unwrap();
            kept.id
        };
        made("one", RoomPurpose::Check, 1).await;
        made("two", RoomPurpose::Check, 5).await;
        made("one", RoomPurpose::Visit, 90).await;
        let young = made("one", RoomPurpose::Check, 5).await;
        let old = made("two", RoomPurpose::Check, 90).await;
        let left = async |limit| {
            let (own, any) = (("one", hospital.now() - Duration::from_mins(2)), hospital.now() - Duration::from_hours(1));
            db.read().await.unwrap().rooms().left_open(RoomPurpose::Check, own, any, limit).await.unwrap()
        };
        assert_eq!(left(10).await, [old, young]);
        assert_eq!(left(1).await, [old]);
        hospital.write(async |tx| tx.rooms().close(old, hospital.now()).await.unwrap()).await;
        assert_eq!(left(10).await, [young]);
    }

    async fn a_takeover_raises_the_fencing_number_and_has_one_winner(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let kept = room(&hospital, RoomPurpose::Visit, hospital.ids.uuid());
        keep(&hospital, &kept).await.unwrap();
        let take = async |node| hospital.write(async |tx| tx.rooms().take_over(kept.id, node).await.unwrap()).await;
        assert_eq!(take("one").await, None, "it is this node's");
        let (first, second) = tokio::join!(take("two"), take("two"));
        assert_eq!([first, second].into_iter().flatten().collect::<Vec<_>>(), [2]);
        assert_eq!(take("three").await, Some(3));
        hospital.write(async |tx| tx.rooms().close(kept.id, hospital.now()).await.unwrap()).await;
        assert_eq!(take("four").await, None, "it is closed");
    }

    async fn a_reload_gives_the_same_seat(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let kept = room(&hospital, RoomPurpose::Visit, hospital.ids.uuid());
        keep(&hospital, &kept).await.unwrap();
        let first = seat(&hospital, kept.id, "holder_1");
        let again = SeatRow { role: ParticipantRole::Nurse, ..seat(&hospital, kept.id, "holder_1") };
        let other = seat(&hospital, kept.id, "holder_2");
        let sit = async |seat| hospital.write(async |tx| tx.rooms().seat(seat).await.unwrap()).await;
        assert_eq!(sit(&first).await, first);
        let same = SeatRow { role: ParticipantRole::Nurse, ..first.clone() };
        assert_eq!(sit(&again).await, same, "the seat, in the role of now");
        assert_eq!(sit(&other).await, other);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.rooms().find_seat(same.participant_id).await.unwrap(), Some(same));
        assert_eq!(tx.rooms().find_seat(again.participant_id).await.unwrap(), None);
    }

    async fn whoever_stands_in_front_of_the_door_is_let_in_once_and_stays_in_after_a_reload(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let kept = room(&hospital, RoomPurpose::Visit, hospital.ids.uuid());
        keep(&hospital, &kept).await.unwrap();
        let role = ParticipantRole::Interpreter;
        let knock = SeatRow { role, standing: Standing::Door, ..seat(&hospital, kept.id, "invitation_1") };
        let sit = async |seat| hospital.write(async |tx| tx.rooms().seat(seat).await.unwrap()).await;
        assert_eq!(sit(&knock).await, knock);
        let stand = async |from, to| {
            hospital.write(async |tx| tx.rooms().stand(knock.participant_id, from, to).await.unwrap()).await
        };
        assert!(stand(Standing::Door, Standing::Inside).await);
        assert!(!stand(Standing::Door, Standing::Inside).await);
        assert_eq!(sit(&knock).await, SeatRow { standing: Standing::Inside, ..knock.clone() });
        let mute = async |muted| {
            hospital.write(async |tx| tx.rooms().mute(knock.participant_id, muted).await.unwrap()).await
        };
        assert!(mute(true).await && !mute(true).await, "once");
        assert!(sit(&knock).await.muted, "a reload makes nobody speak");
        assert!(mute(false).await);
        let mut tx = db.read().await.unwrap();
        let found = tx.rooms().seat_of(kept.id, "invitation_1").await.unwrap().unwrap();
        assert_eq!((found.participant_id, found.standing), (knock.participant_id, Standing::Inside));
        assert_eq!(tx.rooms().seat_of(kept.id, "invitation_2").await.unwrap(), None);
    }
}
