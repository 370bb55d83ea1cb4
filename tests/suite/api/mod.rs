//! The API by its URLs, asked in this process.

mod appointments;
mod auth;
mod border;
mod broken_rows;
mod consents;
mod crossing;
mod declarations;
mod invitations;
mod links;
mod patients;
mod triage;
