//! The clinic from its doors: HTTP and WebSocket against a whole server in this process, on a clock that stands still.
#![expect(clippy::unwrap_used, reason = "the stage is part of the tests: what does not work fails them")]

mod admission;
mod appointments;
pub mod audits;
mod authors;
mod booking;
mod calling;
mod desks;
mod drawn;
mod dropped;
mod estimate;
mod exams;
mod holders;
mod holding;
mod hours;
mod inviting;
mod levels;
pub mod live;
mod notices;
mod pictures;
mod prescription_gate;
mod prescriptions;
mod proofs;
mod purposes;
mod reading;
mod reasons;
mod record;
mod resume;
mod retriage;
mod ring_texts;
mod sealed;
mod sm2;
pub mod stage;
mod stills;
mod tongue;
mod warned;
mod wire;
