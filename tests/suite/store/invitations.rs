//! Invitations into a room.

use std::time::Duration;

use yunzhen::domain::ids::{InvitationId, SessionId};
use yunzhen::domain::room::ParticipantRole;
use yunzhen::store::{InvitationRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

/// An invitation that nobody used yet.
pub fn invitation(hospital: &Hospital, visit: &VisitRow, token: u8) -> InvitationRow {
    InvitationRow {
        id: hospital.ids.make(InvitationId::from_uuid),
        institution_id: hospital.institution,
        room_id: visit.room_id,
        visit_id: visit.id,
        role: ParticipantRole::Family,
        name_sealed: b"\x00\xff sealed".to_vec(),
        token_hash: vec![token; 32],
        invited_by: visit.doctor_id,
        created_at: hospital.now(),
        expires_at: hospital.now() + Duration::from_mins(30),
        used_by: None,
        used_at: None,
        session_id: None,
        revoked_at: None,
    }
}

/// Keeps it.
pub async fn keep(hospital: &Hospital, row: &InvitationRow) -> Result<(), StoreError> {
    hospital.write(async |tx| tx.invitations().insert(row).await).await
}

on_both! {
    async fn an_invitation_is_found_as_it_was_kept_by_its_tokens_hash(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let kept = invitation(&hospital, &visit, 1);
        keep(&hospital, &kept).await.unwrap();
        let twin = invitation(&hospital, &visit, 1);
        assert!(matches!(keep(&hospital, &twin).await, Err(StoreError::Conflict)), "a token leads to one invitation");
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.invitations().find(kept.id).await.unwrap(), Some(kept.clone()));
        assert_eq!(tx.invitations().by_token(&[1; 32]).await.unwrap(), Some(kept.clone()));
        assert_eq!(tx.invitations().by_token(&[2; 32]).await.unwrap(), None);
        assert_eq!(tx.invitations().of_visit(visit.id).await.unwrap(), [kept]);
    }

    async fn an_invitation_is_good_for_one_browser_before_its_time_is_over(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let (kept, late, back) =
            (invitation(&hospital, &visit, 1), invitation(&hospital, &visit, 2), invitation(&hospital, &visit, 3));
        for row in [&kept, &late, &back] {
            keep(&hospital, row).await.unwrap();
        }
        let session = hospital.ids.make(SessionId::from_uuid);
        let spend = async |row: &InvitationRow, by: &[u8], name: &[u8], at| {
            hospital.write(async |tx| tx.invitations().spend(row.id, by, name, session, at).await.unwrap()).await
        };
        assert!(spend(&kept, b"one", b"name", hospital.now()).await);
        assert!(spend(&kept, b"one", b"other", hospital.now()).await, "the same browser asks again");
        assert!(!spend(&kept, b"two", b"name", hospital.now()).await, "another comes too late");
        assert!(!spend(&late, b"one", b"name", late.expires_at).await, "its time is over");
        assert!(hospital.write(async |tx| tx.invitations().revoke(back.id, hospital.now()).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.invitations().revoke(back.id, hospital.now()).await.unwrap()).await);
        assert!(!spend(&back, b"one", b"name", hospital.now()).await, "it was taken back");
        let mut tx = db.read().await.unwrap();
        let found = tx.invitations().find(kept.id).await.unwrap().unwrap();
        assert_eq!((found.used_by.as_deref(), found.session_id), (Some(&b"one"[..]), Some(session)));
        assert_eq!(found.name_sealed, b"name", "whoever comes again is who came");
    }
}
