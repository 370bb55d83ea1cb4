//! Who somebody is to this server: how they sign in, what proves it again, and what their sessions are worth.

pub mod auth;
pub mod codes;
pub mod in_person;
pub mod known_browsers;
pub mod known_places;
pub mod own_password;
pub mod own_sessions;
pub mod passwords;
pub mod second_factor;
pub mod sessions;
pub mod tokens;
