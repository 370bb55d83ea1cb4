//! What the relay counts. Handles are made once, so that counting a packet is one atomic addition.

use metrics::{Counter, Gauge, counter, gauge};

/// The relay's metrics. Make it after the recorder was installed.
pub(super) struct Counters {
    /// RTP packets sent to subscribers.
    pub(super) forwarded: Counter,
    /// Dropped because the subscriber's connection is not up.
    pub(super) dropped_not_connected: Counter,
    /// Dropped because the subscriber's section has no such codec.
    pub(super) dropped_codec: Counter,
    /// Dropped while a leg waits for a keyframe of its new source.
    pub(super) dropped_before_keyframe: Counter,
    /// Dropped because the packet came before the first one of its source.
    pub(super) dropped_late: Counter,
    /// Keyframes asked of publishers.
    pub(super) keyframes_asked: Counter,
    /// Datagrams from addresses that proved nothing.
    pub(super) strangers: Counter,
    /// STUN requests whose integrity did not match, or whose address belongs to somebody who is still there.
    pub(super) forged: Counter,
    /// Datagrams that the socket had no room for, or could not send.
    pub(super) unsent: Counter,
    /// Packets that a recording lacks because its disk was too slow.
    pub(super) unrecorded_full: Counter,
    /// Packets of a codec that is not recorded.
    pub(super) unrecorded_codec: Counter,
    /// Peer connections that exist now.
    pub(super) connections: Gauge,
}

impl Counters {
    pub(super) fn new() -> Self {
        let dropped = |cause: &'static str| counter!("relay_packets_dropped_total", "cause" => cause);
        let refused = |cause: &'static str| counter!("relay_datagrams_dropped_total", "cause" => cause);
        Self {
            forwarded: counter!("relay_packets_forwarded_total"),
            dropped_not_connected: dropped("not_connected"),
            dropped_codec: dropped("codec"),
            dropped_before_keyframe: dropped("before_keyframe"),
            dropped_late: dropped("late"),
            keyframes_asked: counter!("relay_keyframes_asked_total"),
            strangers: refused("stranger"),
            forged: refused("forged"),
            unsent: refused("unsent"),
            unrecorded_full: counter!("recording_packets_dropped_total", "cause" => "queue_full"),
            unrecorded_codec: counter!("recording_packets_dropped_total", "cause" => "codec"),
            connections: gauge!("relay_connections"),
        }
    }
}
