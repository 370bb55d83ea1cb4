//! What goes is marked, removed and certified; whoever ends between two of these leaves it to the next round.

use yunzhen::domain::retention::RetentionClass;

use super::messages::line;
use super::recordings;
use super::retention::{MILLISECOND, certificates, certified, ended, hold, turn};
use crate::support::app::TestApp;
use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn a_film_that_was_marked_goes_after_a_restart_whatever_was_ordered_since_and_is_certified_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let (visit, film) = recordings::kept(&hospital).await;
        let late = film.retain_until + MILLISECOND;
        turn(&app, late);
        assert!(app.services.mark_film(&film).await.unwrap());
        assert_eq!(certificates(&hospital).await, [], "what is there is not certified");
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.recordings().find(film.id).await.unwrap(), None, "nobody sees it any more");
        assert_eq!(tx.recordings().of_visit(visit.id).await.unwrap(), []);
        assert_eq!(tx.recordings().of_doctor(visit.doctor_id, 9).await.unwrap(), []);
        assert_eq!(tx.recordings().all_places().await.unwrap(), std::slice::from_ref(&film.place), "it is known where it is");
        drop(tx);
        hold(&hospital, visit.id.to_string()).await;
        hold(&hospital, film.id.to_string()).await;
        drop(app);
        let app = TestApp::over(db.clone(), false).await;
        turn(&app, late + MILLISECOND);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 1);
        assert_eq!(app.services.remove_recordings().await.unwrap(), 0);
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, film.retain_until);
    }

    async fn a_film_that_the_store_removed_already_is_certified_in_the_next_round_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let (_, film) = recordings::kept(&hospital).await;
        turn(&app, film.retain_until + MILLISECOND);
        assert!(app.services.mark_film(&film).await.unwrap());
        app.services.take_film_away(&film).await.unwrap();
        assert_eq!(app.services.remove_recordings().await.unwrap(), 1);
        // Somebody who removed it in the same moment comes last.
        app.services.take_film_away(&film).await.unwrap();
        app.services.certify_film(&film).await.unwrap();
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, film.retain_until);
        assert_eq!(db.read().await.unwrap().recordings().all_places().await.unwrap(), Vec::<String>::new());
    }

    async fn a_film_that_is_held_is_not_marked(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let (visit, film) = recordings::kept(&hospital).await;
        turn(&app, film.retain_until + MILLISECOND);
        hold(&hospital, visit.id.to_string()).await;
        assert!(!app.services.mark_film(&film).await.unwrap());
        app.services.certify_film(&film).await.unwrap();
        assert_eq!(db.read().await.unwrap().recordings().find(film.id).await.unwrap(), Some(film));
        assert_eq!(certificates(&hospital).await, []);
    }

    async fn a_conversation_whose_removal_was_cut_off_goes_in_the_next_round_and_is_certified_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let app = TestApp::over(db.clone(), false).await;
        let visit = ended(&hospital, 0).await;
        let said = line(&hospital, &visit, b"sealed");
        hospital.write(async |tx| assert!(tx.messages().insert(&said).await.unwrap())).await;
        let due = visit.ended_at.unwrap() + RetentionClass::ProcessRecord.span();
        turn(&app, due);
        assert!(!app.services.certify_words(visit.id).await.unwrap(), "what is not marked is not certified");
        assert!(app.services.mark_words(visit.id).await.unwrap());
        assert_eq!(certificates(&hospital).await, []);
        hold(&hospital, visit.id.to_string()).await;
        assert!(app.services.mark_words(visit.id).await.unwrap(), "what was ordered since came too late");
        app.services.remove_pictures(visit.id).await.unwrap();
        let app = TestApp::over(db.clone(), false).await;
        turn(&app, due + MILLISECOND);
        assert_eq!(app.services.apply_retention().await.unwrap(), 1);
        assert_eq!(app.services.apply_retention().await.unwrap(), 0);
        assert!(!app.services.certify_words(visit.id).await.unwrap());
        certified(&certificates(&hospital).await, RetentionClass::ProcessRecord, 1, due);
    }
}
