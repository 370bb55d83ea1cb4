//! Booked time that many want in the same moment, or one patient too often.

use futures_util::future::join_all;
use serde_json::{Value, json};
use yunzhen::domain::appointment::AppointmentState;
use yunzhen::store::{AppointmentRow, SlotRow};

use crate::clinic::stage::card;
use crate::support::app::{Browser, TestApp};
use crate::support::database::Db;
use crate::support::on_both;

/// A clinic with the hours of a month, and somebody who answers for patients.
struct Day<'app> {
    db: Db,
    holder: Browser<'app>,
    /// The slots of the doctor who sees one patient at a time, and of the one who sees two, at the same hours.
    single: Vec<Value>,
    double: Vec<Value>,
}

impl<'app> Day<'app> {
    async fn open(app: &'app TestApp) -> Self {
        app.services.roll_slots().await.unwrap();
        let view = app.browser().get("/slots?link=demo-tcm-clinic").await.ok();
        let of = |name: &str| {
            let slots = view["slots"].as_array().unwrap().iter();
            slots.filter(|slot| slot["doctor_name"]["en"] == name).cloned().collect::<Vec<_>>()
        };
        let (single, double) = (of("Demo Doctor A"), of("Demo Doctor B"));
        assert!(single.len() > 10 && single[0]["starts_at"] == double[0]["starts_at"]);
        Self { db: app.db.clone(), holder: app.holder("13800000001").await, single, double }
    }

    async fn patient(&self, n: u32) -> String {
        let identity =
            json!({ "name": "测试患者", "document": "resident_card", "number": card(n), "relation": "child" });
        self.holder.post("/patients", &identity).await.ok()["id"].as_str().unwrap().to_owned()
    }

    async fn book(&self, patient: &str, slot: &Value) -> crate::support::app::Answer {
        self.holder.post("/appointments", &json!({ "patient": patient, "slot": slot["id"] })).await
    }

    async fn act(&self, what: &str, id: &Value, version: i64, slot: Option<&Value>) -> crate::support::app::Answer {
        let mut body = json!({ "version": version });
        if let Some(slot) = slot {
            body["slot"] = slot["id"].clone();
        }
        self.holder.post(&format!("/appointments/{}/{what}", id.as_str().unwrap()), &body).await
    }

    async fn slot(&self, slot: &Value) -> (SlotRow, Vec<i64>) {
        let id = slot["id"].as_str().unwrap().parse().unwrap();
        let mut tx = self.db.read().await.unwrap();
        (tx.slots().find(id).await.unwrap().unwrap(), tx.appointments().seats(id).await.unwrap())
    }

    async fn appointment(&self, id: &Value) -> AppointmentRow {
        let id = id.as_str().unwrap().parse().unwrap();
        self.db.read().await.unwrap().appointments().find(id).await.unwrap().unwrap()
    }
}

on_both! {
    async fn a_patient_has_three_appointments_of_a_clinic_to_come_and_never_two_at_a_time(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        let (patient, other) = (day.patient(1).await, day.patient(3).await);
        let first = day.book(&patient, &day.single[0]).await.ok();
        let same = day.book(&patient, &day.single[0]).await.ok();
        assert_eq!(same["id"], first["id"], "the same place again is the same appointment");
        day.book(&patient, &day.double[0]).await.refused("appointment.overlaps");
        let second = day.book(&patient, &day.single[1]).await.ok();
        day.book(&patient, &day.double[4]).await.ok();
        day.book(&patient, &day.single[5]).await.refused("appointment.too_many");
        day.book(&other, &day.double[0]).await.ok();
        let (id, version) = (&second["id"], second["version"].as_i64().unwrap());
        day.act("move", id, version, Some(&day.double[0])).await.refused("appointment.overlaps");
        let moved = day.act("move", id, version, Some(&day.double[1])).await.ok();
        assert_eq!(moved["version"], version + 1, "to another doctor at the same hour, and it is no fourth");
        day.act("cancel", &first["id"], 1, None).await.ok();
        day.book(&patient, &day.single[5]).await.ok();
        let slots = [&day.single[0], &day.single[1], &day.double[0], &day.double[1], &day.double[4], &day.single[5]];
        let taken = join_all(slots.map(|slot| day.slot(slot))).await.into_iter().map(|(slot, _)| slot.taken);
        assert_eq!(taken.collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1], "what was refused took no place");
    }

    async fn two_spellings_of_one_name_have_three_appointments_together(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        let spelled = json!({ "name": "测试患者甲", "document": "resident_card", "number": card(1), "relation": "child" });
        let other = day.holder.post("/patients", &spelled).await.ok()["id"].as_str().unwrap().to_owned();
        let patients = [day.patient(1).await, other];
        day.book(&patients[0], &day.single[0]).await.ok();
        day.book(&patients[1], &day.double[0]).await.refused("appointment.overlaps");
        // All at once, the one and the other in turn.
        let wanted = (1..9).map(|n| (&patients[n % 2], &day.single[n]));
        let answers = join_all(wanted.map(|(patient, slot)| day.book(patient, slot))).await;
        assert_eq!(answers.iter().filter(|one| one.status.is_success()).count(), 2, "with the first they are three");
        for patient in &patients {
            day.book(patient, &day.single[9]).await.refused("appointment.too_many");
        }
    }

    async fn one_telephone_has_eight_appointments_to_come_whatever_names_it_thinks_of(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        let mut ids = Vec::new();
        for n in 0..8_usize {
            let patient = day.patient(u32::try_from(n / 3).unwrap() * 2 + 1).await;
            ids.push(day.book(&patient, &day.single[n]).await.ok()["id"].clone());
        }
        let (fresh, slot) = (day.patient(9).await, &day.single[8]);
        day.book(&fresh, slot).await.refused("appointment.too_many");
        day.act("cancel", &ids[0], 1, None).await.ok();
        day.book(&fresh, slot).await.ok();
    }

    async fn what_another_telephone_booked_for_the_same_person_neither_counts_nor_shows(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        let (single, double) = (day.single.clone(), day.double.clone());
        let stranger = Day { db, holder: app.holder("13800000002").await, single, double };
        let (own, theirs) = (day.patient(1).await, stranger.patient(1).await);
        for slot in [&day.double[0], &day.single[1], &day.single[2]] {
            stranger.book(&theirs, slot).await.ok();
        }
        // The same slot, the same hour, and as many as anybody has.
        let first = day.book(&own, &day.double[0]).await.ok();
        day.book(&own, &day.double[1]).await.ok();
        day.book(&own, &day.double[2]).await.ok();
        day.book(&own, &day.double[5]).await.refused("appointment.too_many");
        let path = format!("/appointments/{}", first["id"].as_str().unwrap());
        stranger.holder.get(&path).await.refused("request.not_found");
        let wish = |patient: &str| {
            let at = jiff::Timestamp::from_millisecond(day.single[0]["starts_at"].as_i64().unwrap()).unwrap();
            let when = at.in_tz("Asia/Shanghai").unwrap().date().to_string();
            json!({ "link": "demo-tcm-clinic", "patient": patient, "first_day": when, "last_day": when })
        };
        day.act("cancel", &first["id"], 1, None).await.ok();
        stranger.holder.post("/wishes", &wish(&theirs)).await;
        day.holder.post("/wishes", &wish(&own)).await.ok();
        assert_eq!(day.holder.get("/wishes").await.ok().as_array().unwrap().len(), 1);
    }

    async fn of_many_wishes_of_a_patient_in_one_moment_the_last_stands_and_none_fails(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        let at = jiff::Timestamp::from_millisecond(day.single[0]["starts_at"].as_i64().unwrap()).unwrap();
        let when = at.in_tz("Asia/Shanghai").unwrap().date().to_string();
        for n in 1..=2 {
            let patient = day.patient(n).await;
            let wish = json!({ "link": "demo-tcm-clinic", "patient": patient, "first_day": when, "last_day": when });
            for answer in join_all((0..6).map(|_| day.holder.post("/wishes", &wish))).await {
                answer.ok();
            }
            assert_eq!(day.holder.get("/wishes").await.ok().as_array().unwrap().len(), usize::try_from(n).unwrap());
        }
    }

    async fn of_many_bookings_of_a_patient_in_one_moment_three_win_and_none_meet(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        for round in 0..2_usize {
            let patient = day.patient(u32::try_from(round).unwrap() * 2 + 1).await;
            let at = |n: usize| [&day.single[n], &day.double[n]];
            let wanted: Vec<&Value> = (round * 6..round * 6 + 6).flat_map(at).collect();
            let answers = join_all(wanted.iter().map(|slot| day.book(&patient, slot))).await;
            let won: Vec<Value> = answers.into_iter().filter(|one| one.status.is_success()).map(|one| one.body).collect();
            let mut hours: Vec<i64> = won.iter().map(|one| one["starts_at"].as_i64().unwrap()).collect();
            hours.sort_unstable();
            hours.dedup();
            assert_eq!((won.len(), hours.len()), (3, 3), "round {round}: {won:?}");
            let taken: i64 = join_all(wanted.iter().map(|slot| day.slot(slot))).await.iter().map(|(slot, _)| slot.taken).sum();
            assert_eq!(taken, 3, "round {round}");
        }
    }

    async fn who_moves_and_cancels_in_the_same_moment_has_one_seat_or_none(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        for round in 0..6_usize {
            let patient = day.patient(u32::try_from(round).unwrap() * 2 + 1).await;
            let slots = [&day.single[round * 3], &day.single[round * 3 + 1], &day.single[round * 3 + 2]];
            let id = day.book(&patient, slots[0]).await.ok()["id"].clone();
            // Some guess the next version and ask while the move is under way, again and again.
            let chase = async || {
                for _ in 0..25 {
                    if day.act("cancel", &id, 2, None).await.status.is_success() {
                        break;
                    }
                }
            };
            let other = async {
                match round % 3 {
                    0 => drop(day.act("cancel", &id, 1, None).await),
                    1 => drop(day.act("move", &id, 1, Some(slots[2])).await),
                    _ => {}
                }
            };
            tokio::join!(day.act("move", &id, 1, Some(slots[1])), other, chase(), chase(), chase(), chase(), chase());
            let row = day.appointment(&id).await;
            let held = join_all(slots.map(|slot| day.slot(slot))).await;
            for (slot, seats) in &held {
                let is_here = row.state == AppointmentState::Booked && row.slot_id == slot.id;
                let count = i64::from(is_here);
                assert_eq!((slot.taken, seats.len()), (count, usize::from(is_here)), "round {round}: {row:?}");
            }
        }
    }

    async fn two_who_move_into_each_others_slots_both_arrive(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        let day = Day::open(&app).await;
        for round in 0..4_usize {
            let (one, other) = (&day.double[round * 2], &day.double[round * 2 + 1]);
            let n = u32::try_from(round).unwrap() * 4 + 1;
            let (first, second) = (day.patient(n).await, day.patient(n + 2).await);
            let (first, second) = (day.book(&first, one).await.ok(), day.book(&second, other).await.ok());
            let (there, back) = tokio::join!(
                day.act("move", &first["id"], 1, Some(other)),
                day.act("move", &second["id"], 1, Some(one)),
            );
            assert_eq!((there.ok()["slot"].clone(), back.ok()["slot"].clone()), (other["id"].clone(), one["id"].clone()));
        }
    }
}
