//! What passes from and to one participant. Asked at every packet in the moment in which it leaves, so that a change holds
//! from the packet after it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::domain::room::relay::{Permit, SourceName};

const AUDIO: u8 = 1;
const CAMERA: u8 = 2;
const SCREEN: u8 = 4;
const RECEIVE: u8 = 8;

/// A participant's gate.
#[derive(Debug)]
pub(super) struct Gate(AtomicU8);

impl Gate {
    /// A gate that lets this pass.
    pub(super) fn new(permit: Permit) -> Self {
        Self(AtomicU8::new(bits(permit)))
    }

    /// Sets what passes.
    pub(super) fn set(&self, permit: Permit) {
        self.0.store(bits(permit), Ordering::Release);
    }

    /// Whether media of this name may come from the participant.
    pub(super) fn sends(&self, name: SourceName) -> bool {
        let bit = match name {
            SourceName::Microphone => AUDIO,
            SourceName::Camera => CAMERA,
            SourceName::Screen => SCREEN,
        };
        self.0.load(Ordering::Acquire) & bit != 0
    }

    /// Whether anything may go to the participant.
    pub(super) fn receives(&self) -> bool {
        self.0.load(Ordering::Acquire) & RECEIVE != 0
    }
}

fn bits(Permit { audio, camera, screen, receive }: Permit) -> u8 {
    let bit = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    bit(audio, AUDIO) | bit(camera, CAMERA) | bit(screen, SCREEN) | bit(receive, RECEIVE)
}
