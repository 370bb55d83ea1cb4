//! Booked time: no place is given twice, and what is to be done later is done once.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::task::TaskTracker;
use uuid::Uuid;
use yunzhen::domain::appointment::{AppointmentState, SlotState, free_seat};
use yunzhen::domain::ids::{AppointmentId, HolderId, JobId, PatientId, SlotId, TicketId, VisitId};
use yunzhen::domain::room::RoomPurpose;
use yunzhen::domain::ticket::TicketState;
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::triage::Level;
use yunzhen::domain::visit::VisitEnd;
use yunzhen::store::{AppointmentRow, JobRow, SlotRow, StoreError, VisitRow};

use crate::support::hospital::{DAY, Hospital};
use crate::support::on_both;
use crate::support::visiting::room;

/// A slot of the first doctor, an hour from now.
async fn slot(hospital: &Hospital, capacity: i64) -> SlotRow {
    let starts_at = hospital.now() + Duration::from_hours(1);
    let slot = SlotRow {
        id: hospital.ids.make(SlotId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: hospital.clinic,
        doctor_id: hospital.desks[0].doctor,
        roster_id: None,
        starts_at,
        ends_at: starts_at + Duration::from_mins(15),
        zone: "Asia/Shanghai".into(),
        day: DAY.into(),
        wall_minute: 540,
        capacity,
        taken: 0,
        state: SlotState::Open,
        version: 1,
    };
    assert!(hospital.write(async |tx| tx.slots().plan(&slot).await.unwrap()).await);
    slot
}

/// A patient books, as the server does; `None` when somebody was faster.
async fn book(hospital: &Hospital, slot: SlotId, patient: PatientId) -> Result<Option<AppointmentRow>, StoreError> {
    let mut tx = hospital.db.begin().await?;
    let Some(slot) = tx.slots().take(slot, hospital.now()).await? else { return Ok(None) };
    let seats = tx.appointments().seats(slot.id).await?;
    let row = AppointmentRow {
        id: hospital.ids.make(AppointmentId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: slot.clinic_id,
        slot_id: slot.id,
        seat: free_seat(&seats, slot.capacity).expect("the count and the seats agree"),
        doctor_id: slot.doctor_id,
        patient_id: patient,
        holder_id: hospital.ids.make(HolderId::from_uuid),
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        zone: slot.zone,
        viewer_zone: None,
        state: AppointmentState::Booked,
        version: 1,
        booked_at: hospital.now(),
        checked_in_at: None,
        ticket_id: None,
        ended_at: None,
    };
    tx.appointments().insert(&row).await?;
    tx.commit().await?;
    Ok(Some(row))
}

fn patient(n: u128) -> PatientId {
    PatientId::from_uuid(Uuid::from_u128(n))
}

/// A visit in a room of its own; of whom is for the test to say.
async fn seen(hospital: &Hospital) -> VisitRow {
    let id = hospital.ids.make(VisitId::from_uuid);
    let room = room(hospital, RoomPurpose::Visit, id.as_uuid());
    hospital.write(async |tx| tx.rooms().insert(&room).await.unwrap()).await;
    VisitRow {
        id,
        institution_id: hospital.institution,
        clinic_id: hospital.clinic,
        ticket_id: hospital.ids.make(TicketId::from_uuid),
        patient_id: hospital.ids.make(PatientId::from_uuid),
        holder_id: None,
        doctor_id: hospital.desks[0].doctor,
        desk_id: hospital.desks[0].id,
        room_id: room.id,
        outcome: None,
        outcome_reason: None,
        started_at: hospital.now(),
        ended_at: None,
        end_reason: None,
    }
}

fn job(hospital: &Hospital, kind: &str, subject: u128, run_at: Timestamp) -> JobRow {
    JobRow {
        id: hospital.ids.make(JobId::from_uuid),
        institution_id: hospital.institution,
        kind: kind.into(),
        subject_id: Uuid::from_u128(subject),
        run_at,
        attempts: 0,
    }
}

on_both! {
    async fn of_a_thousand_bookings_of_one_slot_exactly_one_wins(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 1).await;
        let tasks = TaskTracker::new();
        let one = |n: u128| {
            let hospital = hospital.clone();
            // Tasks of their own: they truly run at once.
            tasks.spawn(async move {
                loop {
                    match book(&hospital, slot.id, patient(n)).await {
                        // A thousand at once wait for few connections; who waited too long comes again, as a browser does.
                        Err(StoreError::Unavailable) => {}
                        other => return other.unwrap(),
                    }
                }
            })
        };
        let booked = join_all((0..1000).map(one)).await;
        let won: Vec<_> = booked.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(won.len(), 1);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.slots().find(slot.id).await.unwrap().unwrap().taken, 1);
        assert_eq!(tx.appointments().seats(slot.id).await.unwrap(), [1]);
    }

    async fn a_slot_of_three_is_booked_three_times_and_each_seat_once(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 3).await;
        let booked = join_all((0..12).map(|n| book(&hospital, slot.id, patient(n)))).await;
        let mut seats: Vec<i64> = booked.into_iter().filter_map(|one| Some(one.unwrap()?.seat)).collect();
        seats.sort_unstable();
        assert_eq!(seats, [1, 2, 3]);
    }

    async fn a_cancelled_seat_is_booked_again(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 2).await;
        let first = book(&hospital, slot.id, patient(1)).await.unwrap().unwrap();
        book(&hospital, slot.id, patient(2)).await.unwrap().unwrap();
        assert!(book(&hospital, slot.id, patient(3)).await.unwrap().is_none(), "it is full");
        hospital.write(async |tx| {
            tx.appointments().give_back(first.id, first.version, AppointmentState::Cancelled, hospital.now()).await.unwrap().unwrap();
            assert!(tx.slots().give_back(slot.id).await.unwrap());
        }).await;
        let again = book(&hospital, slot.id, patient(3)).await.unwrap().unwrap();
        assert_eq!(again.seat, first.seat);
    }

    async fn a_patient_has_one_place_in_a_slot(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 2).await;
        book(&hospital, slot.id, patient(1)).await.unwrap().unwrap();
        assert!(matches!(book(&hospital, slot.id, patient(1)).await, Err(StoreError::Conflict)));
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.slots().find(slot.id).await.unwrap().unwrap().taken, 1, "what was refused took no place");
    }

    async fn a_seat_is_never_given_twice_whatever_the_count_says(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 2).await;
        let row = book(&hospital, slot.id, patient(1)).await.unwrap().unwrap();
        let other = AppointmentRow {
            id: hospital.ids.make(AppointmentId::from_uuid), patient_id: patient(2), ..row
        };
        let mut tx = db.begin().await.unwrap();
        assert!(matches!(tx.appointments().insert(&other).await, Err(StoreError::Conflict)));
    }

    async fn what_has_begun_or_was_closed_is_not_booked(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 2).await;
        hospital.pass(Duration::from_hours(1));
        assert!(book(&hospital, slot.id, patient(1)).await.unwrap().is_none());
        let later = SlotRow {
            id: hospital.ids.make(SlotId::from_uuid),
            starts_at: hospital.now() + Duration::from_hours(1),
            ends_at: hospital.now() + Duration::from_hours(2),
            ..slot
        };
        hospital.write(async |tx| {
            assert!(tx.slots().plan(&later).await.unwrap());
            assert!(tx.slots().close(later.id).await.unwrap());
        }).await;
        assert!(book(&hospital, later.id, patient(1)).await.unwrap().is_none());
    }

    async fn a_doctor_has_one_slot_at_a_time(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = slot(&hospital, 1).await;
        let second = SlotRow { id: hospital.ids.make(SlotId::from_uuid), ..first };
        assert!(!hospital.write(async |tx| tx.slots().plan(&second).await.unwrap()).await);
    }

    async fn a_slot_that_other_hours_closed_is_made_anew_unless_somebody_was_promised_it(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = slot(&hospital, 1).await;
        let close = async || assert!(hospital.write(async |tx| tx.slots().close(first.id).await.unwrap()).await);
        let anew = SlotRow {
            id: hospital.ids.make(SlotId::from_uuid),
            capacity: 3,
            ends_at: first.starts_at + Duration::from_mins(20),
            ..first.clone()
        };
        let plan = async || hospital.write(async |tx| tx.slots().plan(&anew).await.unwrap()).await;
        close().await;
        assert!(plan().await, "nobody was promised it");
        let open = hospital.db.read().await.unwrap().slots().find(first.id).await.unwrap().unwrap();
        assert_eq!((open.state, open.capacity, open.ends_at), (SlotState::Open, 3, anew.ends_at));
        assert!(book(&hospital, first.id, patient(1)).await.unwrap().is_some());
        close().await;
        assert!(!plan().await, "somebody was");
    }

    async fn a_job_is_done_once_by_two_workers(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let now = hospital.now();
        hospital.write(async |tx| {
            for n in 0..30 {
                let twice = [job(&hospital, "remind", n, now), job(&hospital, "remind", n, now)];
                assert_eq!(tx.jobs().add(&twice).await.unwrap(), 1, "the same job");
                assert_eq!(tx.jobs().add(&twice).await.unwrap(), 0, "and later as well");
            }
            let next = job(&hospital, "remind", 99, now + Duration::from_secs(1));
            assert_eq!(tx.jobs().add(&[next]).await.unwrap(), 1);
        }).await;
        let claim = async || hospital.write(async |tx| tx.jobs().claim(now, 20).await.unwrap()).await;
        let (one, two) = tokio::join!(claim(), claim());
        let mut claimed: Vec<JobId> = one.iter().chain(&two).map(|job| job.id).collect();
        claimed.sort_unstable();
        claimed.dedup();
        assert_eq!((claimed.len(), one.len() + two.len()), (30, 30), "each once, and none before its time");
        assert!(claim().await.is_empty());
        let finish = async |id| hospital.write(async |tx| tx.jobs().finish(id, now).await.unwrap()).await;
        assert!(finish(claimed[0]).await && !finish(claimed[0]).await);
    }

    async fn a_job_whose_worker_died_is_taken_by_the_next(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.write(async |tx| tx.jobs().add(&[job(&hospital, "remind", 1, hospital.now())]).await.unwrap()).await;
        let claim = async || hospital.write(async |tx| tx.jobs().claim(hospital.now(), 20).await.unwrap().len()).await;
        assert_eq!((claim().await, claim().await), (1, 0));
        hospital.pass(Duration::from_mins(1));
        assert_eq!(claim().await, 1);
    }

    async fn a_ticket_that_waits_for_its_doctor_is_called_by_no_other(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let until = hospital.now() + Duration::from_mins(30);
        let wanting = async |desk: usize, level: Level| {
            hospital.pass(Duration::from_secs(1));
            hospital.write(async |tx| {
                let no = tx.tickets().draw_no(hospital.clinic, DAY).await.unwrap();
                let mut ticket = hospital.ticket(hospital.clinic, no, level);
                ticket.want_doctor = Some(hospital.desks[desk].doctor);
                ticket.want_until = Some(until);
                tx.tickets().insert(&ticket).await.unwrap();
                ticket
            }).await
        };
        let booked = wanting(1, Level::Standard).await;
        let walked_in = hospital.join(Level::Standard).await;
        assert_eq!(hospital.call(0).await.id, walked_in.id, "the other desk goes past");
        assert_eq!(hospital.call(1).await.id, booked.id);
    }

    async fn a_want_ends_and_an_urgent_patient_is_called_by_whoever_is_free(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        let want = async |level: Level, until: Timestamp| {
            hospital.write(async |tx| {
                let no = tx.tickets().draw_no(hospital.clinic, DAY).await.unwrap();
                let mut ticket = hospital.ticket(hospital.clinic, no, level);
                ticket.want_doctor = Some(hospital.desks[2].doctor);
                ticket.want_until = Some(until);
                tx.tickets().insert(&ticket).await.unwrap();
                ticket.id
            }).await
        };
        let urgent = want(Level::Urgent, hospital.now() + Duration::from_hours(1)).await;
        assert_eq!(hospital.call(0).await.id, urgent);
        let standard = want(Level::Standard, hospital.now() + Duration::from_mins(5)).await;
        assert!(hospital.try_call(1).await.unwrap().is_none());
        hospital.pass(Duration::from_mins(5));
        assert_eq!(hospital.call(1).await.id, standard);
    }

    async fn whom_any_doctor_saw_is_seen_and_an_appointment_ends_with_its_last_ticket(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let slot = slot(&hospital, 9).await;
        let now = hospital.now();
        // How the tickets of each ended, and of the first how its visit did.
        let cases = [
            (vec![TicketState::Done], None, Some(true)),
            (vec![TicketState::Left], None, Some(false)),
            (vec![TicketState::NoShow], None, Some(false)),
            (vec![TicketState::NoShow], Some(VisitEnd::PatientLost), Some(true)),
            (vec![TicketState::NoShow], Some(VisitEnd::WrongPerson), Some(false)),
            (vec![TicketState::Transferred, TicketState::Left], Some(VisitEnd::Transferred), Some(true)),
            (vec![TicketState::Transferred, TicketState::Left], None, Some(false)),
            (vec![TicketState::Transferred, TicketState::Waiting], Some(VisitEnd::Transferred), None),
            (vec![TicketState::Waiting], None, None),
        ];
        let mut kept = Vec::new();
        for (n, (states, end, _)) in (1..).zip(&cases) {
            let row = book(&hospital, slot.id, patient(n)).await.unwrap().unwrap();
            for (at, state) in states.iter().enumerate() {
                let mut ticket = hospital.ticket(hospital.clinic, i64::try_from(n).unwrap() * 10, Level::Standard);
                ticket.no += i64::try_from(at).unwrap();
                ticket.patient_id = patient(n);
                ticket.state = *state;
                ticket.appointment_id = Some(row.id);
                hospital.write(async |tx| tx.tickets().insert(&ticket).await.unwrap()).await;
                if at > 0 {
                    continue;
                }
                hospital.write(async |tx| {
                    tx.appointments().check_in(row.id, row.version, ticket.id, now).await.unwrap().unwrap();
                }).await;
                let Some(end) = end else { continue };
                let visit = VisitRow { ticket_id: ticket.id, patient_id: patient(n), ..seen(&hospital).await };
                hospital.write(async |tx| {
                    tx.visits().insert(&visit).await.unwrap();
                    tx.visits().end(visit.id, *end, now).await.unwrap();
                }).await;
            }
            kept.push(row.id);
        }
        let settled = async || {
            let settled = db.read().await.unwrap().appointments().settled(20, 0).await.unwrap();
            let mut settled: Vec<_> = settled.into_iter().map(|one| (one.id, one.was_seen, one.slot)).collect();
            settled.sort_by_key(|(id, ..)| kept.iter().position(|one| one == id));
            settled
        };
        let expected = |state: SlotState| {
            let ends = kept.iter().zip(&cases).filter_map(|(id, (.., was_seen))| Some((*id, (*was_seen)?, state)));
            ends.collect::<Vec<_>>()
        };
        assert_eq!(settled().await, expected(SlotState::Open));
        hospital.write(async |tx| tx.slots().close(slot.id).await.unwrap()).await;
        assert_eq!(settled().await, expected(SlotState::Closed), "whose doctor went is said, too");
    }

    async fn a_slot_whose_doctor_goes_holds_no_ticket_back_any_longer(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let slot = slot(&hospital, 1).await;
        let row = book(&hospital, slot.id, patient(1)).await.unwrap().unwrap();
        let mut ticket = hospital.ticket(hospital.clinic, 1, Level::Standard);
        ticket.want_doctor = Some(slot.doctor_id);
        ticket.want_until = Some(slot.ends_at);
        ticket.appointment_id = Some(row.id);
        hospital.write(async |tx| tx.tickets().insert(&ticket).await.unwrap()).await;
        assert!(hospital.try_call(1).await.unwrap().is_none());
        let free = async || hospital.write(async |tx| tx.tickets().free(slot.id).await.unwrap()).await;
        let freed: Vec<_> = free().await.into_iter().map(|one| (one.id, one.want_doctor, one.version)).collect();
        assert_eq!(freed, [(ticket.id, None, 1)], "nobody's place changes");
        assert_eq!(free().await, [], "once");
        assert_eq!(hospital.call(1).await.id, ticket.id);
    }
}
