//! Invitations, used by many at once.

use futures_util::future::join_all;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use yunzhen::domain::ids::SessionId;

use crate::store::invitations::{invitation, keep};
use crate::support::app::TestApp;
use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql;
use crate::support::visiting::visit;

on_both! {
    async fn of_many_uses_of_a_link_in_the_same_moment_one_session_lives_and_it_is_the_invitations(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        for round in 0..5_u8 {
            let token = format!("token-{round}");
            let mut row = invitation(&hospital, &visit, round);
            row.token_hash = Sha256::digest(token.as_bytes()).to_vec();
            keep(&hospital, &row).await.unwrap();
            let body = json!({ "token": token, "nonce": Uuid::from_u128(round.into()), "name": "王小译" });
            let browser = app.browser();
            for answer in join_all((0..6).map(|_| browser.post("/invitations/use", &body))).await {
                answer.ok();
            }
            let living = sql::ids(
                &db,
                "select id from session where subject_kind = 'guest' and revoked_at is null and subject_id = $1",
                row.id.as_uuid(),
            )
            .await;
            let found = db.read().await.unwrap().invitations().find(row.id).await.unwrap().unwrap();
            assert_eq!(living, Vec::from_iter(found.session_id.map(SessionId::as_uuid)), "round {round}");
        }
    }
}
