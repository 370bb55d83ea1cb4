//! STUN, and TURN over UDP and over a stream.

use std::cell::LazyCell;
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::media::counters::Counters;
use crate::media::mux::Mux;
use crate::media::stun::{self, Key, Message};
use crate::media::turn;

/// What is made once: a port that nobody sends to.
pub(super) struct World {
    runtime: Runtime,
    pub(super) mux: Arc<Mux>,
}

thread_local! {
    static WORLD: LazyCell<World> = LazyCell::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let inside = runtime.enter();
        let crypto = rtc::crypto::default_provider().unwrap();
        let bind = "127.0.0.1:0".parse().unwrap();
        let mux = Mux::bind(bind, 1, crypto, Arc::new(Counters::new()), Some("knock")).unwrap();
        drop(inside);
        World { runtime, mux }
    });
}

/// Does something in that world.
pub(super) fn within(act: impl FnOnce(&World)) {
    WORLD.with(|world| act(world));
}

/// A message, a conversation of TURN, and a stream of it.
///
/// # Panics
///
/// When one of them breaks a promise.
pub fn stun(bytes: &[u8]) {
    within(|world| {
        if let Some(message) = Message::parse(bytes) {
            assert!(stun::is_stun(bytes));
            let key = Key::new("nobody's password", Arc::clone(&world.mux.crypto));
            assert!(!message.is_sealed_with(&key), "{:?} is not sealed", message.local_ufrag());
        }
        let stream = turn::bad_bytes::converse(&world.mux, bytes);
        for stream in [bytes, &stream] {
            world.runtime.block_on(turn::bad_bytes::stream(&world.mux, stream));
        }
    });
}
