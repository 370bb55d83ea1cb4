//! The patient's way up to the ticket: one file per step.
//!
//! Every object is looked up together with the holder who asks, so that another holder's is not there rather than
//! forbidden. Nothing that names a person goes into an event, a log line or an address.

mod consents;
mod correction;
mod declarations;
pub(crate) mod guardians;
mod landing;
pub(crate) mod patients;
pub mod triage;
