//! The live room.

pub mod relay;
