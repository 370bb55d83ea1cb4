//! The API by its URLs, asked in this process.

mod appointments;
mod auth;
mod border;
mod broken_rows;
mod consents;
mod crossing;
mod declarations;
mod due;
mod guardians;
mod invitations;
mod known_browsers;
mod left_aside;
mod links;
mod paces;
mod patients;
mod rosters;
mod second_factor;
mod sessions;
mod thousand;
mod triage;
mod wishes;
