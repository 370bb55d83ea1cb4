//! The store and the domain agree about which state may follow which.

use yunzhen::domain::ids::TicketId;
use yunzhen::domain::ticket::{MoveReason, TicketState};
use yunzhen::domain::triage::Level;
use yunzhen::store::{Result, TicketRow, Tickets};

use crate::support::hospital::{Hospital, RING};
use crate::support::on_both;

/// Every statement that moves a ticket, by its name in `src/store/tickets.rs`.
const STATEMENTS: [&str; 19] = [
    "recall",
    "accept",
    "serve",
    "miss",
    "miss for the last time",
    "restore",
    "wrong_person",
    "wrong_person for the last time",
    "suspend",
    "go_on",
    "ring",
    "put_back",
    "to_head",
    "finish",
    "not_reached",
    "leave",
    "transfer",
    "to_emergency",
    "set_level",
];

async fn run(hospital: &Hospital, t: &mut Tickets<'_>, name: &str, id: TicketId, v: i64) -> Result<Option<TicketRow>> {
    let now = hospital.now();
    match name {
        "recall" => t.recall(id, v, now + RING, now).await,
        "accept" => t.accept(id, v, now).await,
        "serve" => {
            // A call must be accepted before it can be served.
            let v = t.accept(id, v, now).await?.map_or(v, |accepted| accepted.version);
            t.serve(id, v, now).await
        }
        "miss" => t.miss(id, v, 3, 3, now).await,
        "miss for the last time" => t.miss(id, v, 3, 1, now).await,
        "wrong_person" => t.wrong_person(id, v, 3, 3, now).await,
        "wrong_person for the last time" => t.wrong_person(id, v, 3, 1, now).await,
        "restore" => t.restore(id, v, MoveReason::DeskLost).await,
        "suspend" => t.suspend(id, v, now).await,
        "go_on" => t.go_on(id, v, now).await,
        "ring" => t.ring(id, v, Some(now + RING)).await,
        "put_back" => t.put_back(id, v, 3).await,
        "to_head" => t.to_head(id, v).await,
        "finish" => t.finish(id, v, now).await,
        "not_reached" => t.not_reached(id, v, now).await,
        "leave" => t.leave(id, v, now).await,
        "transfer" => t.transfer(id, v, id, now).await,
        "to_emergency" => t.to_emergency(id, v).await,
        "set_level" => t.set_level(id, v, Level::Advice, MoveReason::Lowered).await,
        other => unreachable!("{other} is not a statement"),
    }
}

on_both! {
    async fn no_statement_makes_a_move_that_the_domain_forbids_and_none_of_its_moves_is_missing(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut no = 0;
        let mut made = vec![(TicketState::Waiting, TicketState::Called)]; // by call_next, which chooses for itself
        for from in TicketState::ALL {
            for name in STATEMENTS {
                no += 1;
                let ticket = TicketRow { state: from, ..hospital.ticket(hospital.clinic, no, Level::Standard) };
                let mut tx = db.begin().await.unwrap();
                tx.tickets().insert(&ticket).await.unwrap();
                let moved = run(&hospital, &mut tx.tickets(), name, ticket.id, 1).await.unwrap();
                let kept = tx.tickets().find(ticket.id).await.unwrap().unwrap();
                tx.commit().await.unwrap();
                match moved {
                    Some(moved) => {
                        assert!(from.may_become(moved.state), "{name}: {from:?} to {:?}", moved.state);
                        assert!(moved.version > 1, "{name} raises the version");
                        assert_eq!(moved, kept);
                        made.push((from, moved.state));
                    }
                    None => assert_eq!(kept, ticket, "{name} moved nothing"),
                }
            }
        }
        for from in TicketState::ALL {
            for to in TicketState::ALL {
                assert_eq!(from.may_become(to), made.contains(&(from, to)), "{from:?} to {to:?}");
            }
        }
    }
}
