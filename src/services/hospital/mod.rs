//! What the hospital sets up and shows: its first day, its clinics, its doctors' papers, its notices.

pub mod charter;
pub mod clinic_settings;
pub mod credentials;
pub mod notices;
pub mod seed;
pub mod showing;
