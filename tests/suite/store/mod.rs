//! The store's contract: one file for each family of tables, each test on both databases.

mod alarms;
mod audit;
mod events;
mod handovers;
mod house;
mod idem;
mod intake;
pub mod invitations;
mod messages;
mod notes;
mod notices;
mod opening;
mod parity;
mod prescriptions;
mod racing;
mod recordings;
mod rooms;
mod signatures;
mod tickets;
mod uploads;
mod visits;
