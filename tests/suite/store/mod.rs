//! The store's contract: one file for each family of tables, each test on both databases.

mod access_reviews;
pub mod alarms;
mod audit;
mod audit_days;
mod booking;
mod events;
mod handovers;
mod house;
mod idem;
pub mod intake;
pub mod invitations;
mod messages;
mod note_versions;
mod notes;
mod notices;
mod opening;
mod parity;
pub mod prescriptions;
mod racing;
mod recordings;
mod retention;
mod rooms;
mod signatures;
mod templates;
mod tickets;
mod uploads;
mod visits;
