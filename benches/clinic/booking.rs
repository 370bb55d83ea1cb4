//! How many appointments a second are booked, durably: idempotency row, slot, appointment, jobs, event rows, commit. Beside
//! it what a commit costs on the same database by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use yunzhen::domain::ids::{PatientId, RosterId, SlotId};
use yunzhen::domain::permission::Actor;
use yunzhen::protocol::booking::BookingRequest;
use yunzhen::services::work::Command;
use yunzhen::store::{Db, RosterRow};

use crate::figures::Spread;
use crate::hospital::Hospital;
use crate::postgres::Server;
use crate::queue::{CALLS, ROUNDS, bare, per_second, run_statement};
use crate::{folder, programs};

/// People who book at once.
const HANDS: [usize; 2] = [1, 8];
/// Doctors beside those of the demonstration.
const DOCTORS: usize = 16;
/// The clinic that has bookable hours.
const LINK: &str = "demo-tcm-clinic";

/// Measures SQLite, and PostgreSQL when there is one.
pub async fn run() {
    println!("\ndurable bookings per second, median (lowest–highest) of {ROUNDS} rounds of {CALLS}");
    let folder = folder();
    let url = format!("sqlite:{}", folder.path().join("yunzhen.db").display());
    measure("SQLite", Db::open(&url).await.unwrap()).await;
    match Server::shared(&[]) {
        Ok(server) => measure("PostgreSQL", Db::postgres(server.options()).await.unwrap()).await,
        Err(missing) => programs::skip("durable bookings per second on PostgreSQL", &missing),
    }
}

async fn measure(database: &str, db: Db) {
    let mut hospital = Hospital::open(db.clone()).await;
    run_statement(&db, "create table if not exists bare (id bigint primary key, at bigint not null)").await;
    employ(&hospital).await;
    hospital.services.roll_slots().await.unwrap();
    let mut slots = open_slots(&db).await.into_iter();
    println!("\n{database:<12} {:<24} {:<20} {:<20} booking/commit", "", "bookings", "bare commit");
    for hands in HANDS {
        let mut rounds = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let people = people(&mut hospital).await;
            let commits = bare(&db, hands).await;
            let wanted: Vec<SlotId> = slots.by_ref().take(CALLS).collect();
            assert_eq!(wanted.len(), CALLS, "the clinic has hours enough");
            let booked = book(&hospital, hands, &people, &wanted).await;
            for (runs, figure) in rounds.iter_mut().zip([booked, commits, booked / commits]) {
                runs.push(figure);
            }
        }
        let [booked, commits, ratio] = rounds.map(|runs| Spread::of(&runs));
        let (booked, commits) = (format!("{booked:.0}"), format!("{commits:.0}"));
        println!("{:<12} {:<24} {booked:<20} {commits:<20} {ratio:.2}", "", format!("{hands} at once"));
    }
    db.close().await;
}

/// One for each booking of a round: nobody may be in two places at one time.
async fn people(hospital: &mut Hospital) -> Vec<(Actor, PatientId)> {
    let mut people = Vec::new();
    for _ in 0..CALLS {
        let token = hospital.patient(LINK).await.token;
        let (actor, _) = hospital.services.authenticate(&token).await.unwrap().unwrap();
        let patients = hospital.services.patients(actor.holder().unwrap()).await.unwrap();
        people.push((actor, patients[0].id));
    }
    people
}

/// More doctors with the hours of one who is there, so that no round runs out of slots.
async fn employ(hospital: &Hospital) {
    let mut tx = hospital.db.read().await.unwrap();
    let clinic = tx.clinics().by_link(LINK).await.unwrap().unwrap();
    let rosters = tx.rosters().of(clinic.institution_id).await.unwrap();
    drop(tx);
    let like = rosters.into_iter().find(|roster| roster.clinic_id == clinic.id).unwrap();
    for _ in 0..DOCTORS {
        let desk = hospital.desk(clinic.id).await;
        let (id, doctor_id) = (hospital.services.ids.make(RosterId::from_uuid), desk.doctor.doctor().unwrap().account);
        let roster = RosterRow { id, doctor_id, ..like.clone() };
        let mut tx = hospital.db.begin().await.unwrap();
        tx.rosters().insert(&roster).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Every slot that can be booked.
async fn open_slots(db: &Db) -> Vec<SlotId> {
    let mut tx = db.read().await.unwrap();
    let clinic = tx.clinics().by_link(LINK).await.unwrap().unwrap();
    let soon = yunzhen::clock::Clock::System.now() + Duration::from_mins(5);
    let until = soon + Duration::from_hours(24 * 30);
    let mut slots = Vec::new();
    for (day, _) in tx.slots().days(clinic.id, soon, until, None).await.unwrap() {
        let open = tx.slots().open_on(clinic.id, soon, until, None, &day).await.unwrap();
        slots.extend(open.into_iter().map(|slot| slot.id));
    }
    slots
}

/// One round, each slot by a patient of its own; bookings per second.
async fn book(hospital: &Hospital, hands: usize, people: &[(Actor, PatientId)], slots: &[SlotId]) -> f64 {
    let wishes: Vec<_> = people.iter().copied().zip(slots.iter().copied()).collect();
    let mut running = JoinSet::new();
    let begun = Instant::now();
    for mine in wishes.chunks(wishes.len().div_ceil(hands)) {
        let (services, mine) = (Arc::clone(&hospital.services), mine.to_vec());
        running.spawn(async move {
            for ((actor, patient), slot) in mine {
                let key = Some(services.ids.uuid().to_string());
                let command = Command { actor: actor.key(), key, hash: vec![0; 32] };
                let request = BookingRequest { slot, patient, zone: None };
                services.book(actor.holder().unwrap(), request, &command).await.unwrap();
            }
        });
    }
    running.join_all().await;
    per_second(begun.elapsed())
}
