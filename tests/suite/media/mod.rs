//! The relay, with real WebRTC clients over real UDP on loopback.

pub mod client;
mod codecs;
mod coturn;
mod forwarding;
mod malformed;
mod offers;
mod paths;
mod permits;
mod rooms;
mod speaking;
mod stage;
mod turn;
mod twelve;
pub mod vandal;
