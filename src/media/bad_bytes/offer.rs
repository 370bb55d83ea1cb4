//! A browser's description of its media.

use std::collections::{HashMap, HashSet};

use rtc::peer_connection::sdp::RTCSessionDescription;

use crate::domain::codec::Codec;
use crate::domain::room::relay::MediaKind;
use crate::media::answer::{Answer, Reach};
use crate::media::offer::{Offer, Use};
use crate::media::port::Credentials;

/// What is refused is refused; of what is understood the engine gets a description that it can read, with our lines alone,
/// and the browser an answer with a word about each of its sections.
///
/// # Panics
///
/// When that is broken.
pub fn offer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let far_end = Credentials { ufrag: "far".into(), password: "a password of twenty-two".into() };
    let echo = Answer::parse(&text);
    let _ = (echo.outgoing("0"), echo.outgoing("1"));
    let Ok(offer) = Offer::parse(&text) else { return };
    let Ok(uses) = offer.uses(&HashMap::new()) else { return };
    let own = |kind| offer.carried().filter(|(of, k)| *k == kind && uses[&of.mid] == Use::Publishes).count();
    assert!(own(MediaKind::Audio) <= 1 && own(MediaKind::Video) <= 2, "more tracks than somebody has");
    let written = offer.for_engine(&uses, &far_end, 1, &HashMap::new());
    let carried = offer.sections.iter().filter(|section| section.kind.is_some()).count();
    let count = |what: &str| written.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("m="), count("v=")), (carried, 1), "lines of a stranger: {written}");
    let read = RTCSessionDescription::offer(written.clone());
    assert!(read.is_ok(), "the engine cannot read {written}: {read:?}");
    // The engine answers with the sections that it was offered.
    let answer = Answer::parse(&written);
    let address = "203.0.113.5:8443".parse().unwrap();
    let reach = Reach { addresses: &[address], credentials: &far_end, restarts: 0 };
    let told = answer.for_browser(&offer, &uses, reach, Codec::H264);
    let mids: HashSet<&str> = told.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    assert!(offer.sections.iter().all(|section| mids.contains(section.mid.as_str())), "a section is missing: {told}");
    let sections = told.lines().filter(|line| line.starts_with("m=")).count();
    assert_eq!(sections, offer.sections.len(), "lines of a stranger: {told}");
}
