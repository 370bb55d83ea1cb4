//! The relay, with real WebRTC clients over real UDP on loopback.

pub mod client;
mod codecs;
mod commanded;
mod coturn;
mod forwarding;
mod idle;
mod layers;
mod lecture;
mod malformed;
mod missing;
mod narrow;
mod offers;
mod paths;
mod peer;
mod permits;
mod quiet;
mod rooms;
pub mod sending;
mod speaking;
mod stage;
mod turn;
mod twelve;
pub mod vandal;
mod watched;
mod wired;
