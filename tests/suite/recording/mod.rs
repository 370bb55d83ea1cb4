//! Process records: the server's own film of a call, from the consent to the player.

mod kept;
mod lost;
pub mod scene;
