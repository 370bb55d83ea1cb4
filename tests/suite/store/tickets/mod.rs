//! Tickets: one file for each family of statements of `src/store/tickets.rs`.

mod calling;
mod joining;
mod leases;
mod missing;
mod moving;
mod serving;
mod transitions;
