//! What a stranger sends never causes a panic: every seed of `fuzz/corpus`, and damaged copies of each.

use std::sync::Arc;

use super::codec::Codec;
use super::counters::Counters;
use super::mux::Mux;
use super::offer::Offer;
use super::port::Credentials;
use super::rewrite::Rewriter;
use super::stun::{self, Key, Message};
use super::{answer::Answer, instant, keyframe};

#[path = "../../fuzz/replay.rs"]
mod replaying;
use replaying::replay;

#[test]
fn no_stun_causes_a_panic() {
    let key = Key::new("VOkJxbRl1RmTxUk/WvJxBt", rtc::crypto::default_provider().unwrap());
    replay("stun", |bytes| {
        let _ = stun::is_stun(bytes);
        if let Some(message) = Message::parse(bytes) {
            let _ = (message.local_ufrag(), message.is_sealed_with(&key));
        }
    });
}

#[tokio::test]
async fn no_datagram_of_a_stranger_causes_a_panic_or_is_believed() {
    let counters = Arc::new(Counters::new());
    let mux =
        Mux::bind("127.0.0.1:0".parse().unwrap(), rtc::crypto::default_provider().unwrap(), counters, None).unwrap();
    let from = "127.0.0.1:9".parse().unwrap();
    replay("mux", |bytes| mux.deliver(instant::now(), from, bytes));
    assert_eq!(mux.connections(), 0);
}

#[test]
fn no_description_causes_a_panic() {
    let far_end = Credentials { ufrag: "far".into(), password: "a password of twenty-two".into() };
    replay("offer", |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(offer) = Offer::parse(&text) {
            let mut uses = std::collections::HashMap::new();
            offer.settle_uses(&mut uses);
            let _ = offer.for_engine(&uses, &far_end, 1, &std::collections::HashMap::new());
        }
        let answer = Answer::parse(&text);
        let _ = (answer.outgoing("0"), answer.outgoing("1"));
    });
}

#[test]
fn no_packet_causes_a_panic_in_what_rewrites_it() {
    let now = instant::now();
    let mut rewriter = Rewriter::default();
    replay("rtp", |bytes| {
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
            let _ = keyframe::starts_keyframe(codec, bytes);
        }
        let number = |at: usize| bytes.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        if number(0).is_multiple_of(7) {
            rewriter.begin(now, 90_000, number(2), u32::from(number(1)) << 16);
        }
        let _ = rewriter.rewrite(now, number(0), u32::from(number(1)) << 16 | u32::from(number(3)));
    });
}
