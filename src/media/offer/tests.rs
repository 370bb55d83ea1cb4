use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::media::port::Credentials;

/// A fingerprint of the right form.
pub(crate) fn fingerprint() -> String {
    format!("sha-256 {}", vec!["AB"; 32].join(":"))
}

/// A description with the given sections, each `(media line, attributes)`, as a browser writes it.
pub(crate) fn description(sections: &[(&str, &[&str])]) -> String {
    let mids: Vec<_> = (0..sections.len()).map(|mid| mid.to_string()).collect();
    let mut sdp = format!("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n", mids.join(" "));
    for (mid, (line, attributes)) in sections.iter().enumerate() {
        let fingerprint = fingerprint();
        let _ = write!(
            sdp,
            "m={line}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=rtcp-mux\r\na=setup:actpass\r\na=ice-ufrag:abcd\r\n\
             a=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=fingerprint:{fingerprint}\r\n\
             a=candidate:1 1 udp 1 192.0.2.7 5 typ host\r\n"
        );
        for line in *attributes {
            let _ = write!(sdp, "a={line}\r\n");
        }
    }
    sdp
}

pub(crate) const AUDIO: (&str, &[&str]) = (
    "audio 9 UDP/TLS/RTP/SAVPF 111 0",
    &["sendrecv", "rtpmap:111 opus/48000/2", "rtpmap:0 PCMU/8000", "ssrc:5 cname:x"],
);
const CAMERA: (&str, &[&str]) = (
    "video 9 UDP/TLS/RTP/SAVPF 102 96 97",
    &[
        "sendonly",
        "rtpmap:102 H264/90000",
        "fmtp:102 packetization-mode=1;profile-level-id=42e01f",
        "rtpmap:96 VP8/90000",
        "rtcp-fb:96 nack pli",
        "rtcp-fb:96 goog-remb",
        "rtpmap:97 rtx/90000",
        "fmtp:97 apt=96",
        "ssrc-group:FID 7 8",
        "ssrc:8 cname:x",
        "ssrc:7 cname:x",
    ],
);
const SCREEN: (&str, &[&str]) = ("video 9 UDP/TLS/RTP/SAVPF 96", &["recvonly", "rtpmap:96 VP8/90000"]);
const DATA: (&str, &[&str]) = ("application 9 UDP/DTLS/SCTP webrtc-datachannel", &["sctp-port:5000"]);

fn far_end() -> Credentials {
    Credentials { ufrag: "far".into(), password: "the password of the far end".into() }
}

#[test]
fn the_engine_reads_our_words_and_not_the_browsers() {
    let offer = Offer::parse(&description(&[AUDIO, CAMERA, SCREEN, DATA])).expect("a good offer");
    let uses = offer.uses(&HashMap::new()).expect("no more tracks than one has");
    let engine = offer.for_engine(&uses, &far_end(), 3, &HashMap::new());
    for wanted in
        ["a=msid:browser mid-1", "a=ssrc:7 ", "a=ssrc:5 ", "a=rtcp-fb:96 nack pli", "a=group:BUNDLE 0 1 2\r\n"]
    {
        assert!(engine.contains(wanted), "{wanted} is missing in {engine}");
    }
    for unwanted in ["candidate", "rtx", "goog-remb", "abcd", "PCMU", "a=ssrc:8", "sendrecv", "application"] {
        assert!(!engine.contains(unwanted), "{unwanted} is in {engine}");
    }
    assert_eq!(uses["0"], Use::Publishes);
    assert_eq!(uses["2"], Use::Receives);
}

#[test]
fn a_section_keeps_its_first_use_when_it_is_muted() {
    let uses = Offer::parse(&description(&[AUDIO])).expect("good").uses(&HashMap::new()).expect("one voice");
    let muted = description(&[AUDIO]).replace("a=sendrecv", "a=inactive");
    let offer = Offer::parse(&muted).expect("good");
    let uses = offer.uses(&uses).expect("the same voice");
    assert!(offer.for_engine(&uses, &far_end(), 1, &HashMap::new()).contains("a=sendonly"));
    assert_eq!(offer.sections[0].direction, Direction::Inactive);
}

#[test]
fn one_voice_a_camera_and_a_screen_are_ones_own_and_no_more() {
    let with = |audio: usize, video: usize| {
        let sections = [[AUDIO; 3][..audio].to_vec(), [CAMERA; 3][..video].to_vec(), vec![SCREEN; 2]].concat();
        Offer::parse(&description(&sections)).expect("good").uses(&HashMap::new())
    };
    assert_eq!(with(1, 2).expect("all three").values().filter(|usage| **usage == Use::Publishes).count(), 3);
    for (audio, video) in [(2, 0), (3, 2), (0, 3), (1, 3)] {
        assert_eq!(with(audio, video), Err(OfferRefusal::Malformed), "{audio} and {video}");
    }
    // Who was muted at first is nevertheless one.
    let muted = description(&[AUDIO, AUDIO]).replace("a=sendrecv", "a=inactive");
    assert_eq!(Offer::parse(&muted).expect("good").uses(&HashMap::new()), Err(OfferRefusal::Malformed));
    // What received before is no track, whatever it says now.
    let known = HashMap::from([("1".to_owned(), Use::Receives)]);
    assert!(Offer::parse(&description(&[AUDIO, AUDIO])).expect("good").uses(&known).is_ok());
}

#[test]
fn a_connection_that_names_its_sections_ever_anew_is_refused_in_the_end() {
    let mut uses = HashMap::new();
    let mut offer = |round: usize| {
        let sdp = description(&[SCREEN; 36]);
        let sdp = (0..36)
            .rev()
            .fold(sdp, |sdp, mid| sdp.replace(&format!("a=mid:{mid}\r\n"), &format!("a=mid:r{round}-{mid}\r\n")));
        let names: Vec<_> = (0..36).map(|mid| format!("r{round}-{mid}")).collect();
        let (before, after) = sdp.split_once("a=group:BUNDLE ").expect("a bundle");
        let (_, after) = after.split_once("\r\n").expect("more lines");
        let sdp = format!("{before}a=group:BUNDLE {}\r\n{after}", names.join(" "));
        uses = Offer::parse(&sdp).expect("good").uses(&uses)?;
        Ok::<_, OfferRefusal>(())
    };
    for round in 0..4 {
        assert_eq!(offer(round), Ok(()), "{round}");
    }
    assert_eq!(offer(4), Err(OfferRefusal::Malformed));
    assert_eq!(offer(3), Ok(()), "the names that are known may stay");
}

#[test]
fn a_voice_has_one_layer() {
    let voice = description(&[AUDIO]).replace("a=ssrc:5", "a=rid:a send\r\na=rid:b send\r\na=ssrc:5");
    let engine = Offer::parse(&voice).expect("good").for_engine(&HashMap::new(), &far_end(), 1, &HashMap::new());
    assert!(engine.contains("a=ssrc:5 ") && !engine.contains("a=rid"), "{engine}");
}

#[test]
fn a_rejected_section_may_keep_the_ice_name_of_long_ago() {
    let restarted = description(&[DATA, AUDIO]).replacen("a=ice-ufrag:abcd", "a=ice-ufrag:efgh", 1);
    assert_eq!(Offer::parse(&restarted).expect("good").ufrag, "abcd");
}

#[test]
fn up_to_three_layers_are_taken_from_small_to_large() {
    let layers = |rids: &str| {
        let lines = format!("a=rid:{} send\r\n", rids.replace(' ', " send\r\na=rid:"));
        let camera = description(&[CAMERA]).replace("a=ssrc-group:FID 7 8\r\n", &lines);
        Offer::parse(&camera).expect("good").for_engine(&HashMap::new(), &far_end(), 1, &HashMap::new())
    };
    let engine = layers("q h f");
    assert!(engine.contains("a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n"));
    assert!(!engine.contains("a=ssrc"), "layers are known by their names");
    assert!(layers("f").contains("a=simulcast:send f\r\n"));
    let engine = layers("t q h f");
    assert!(engine.contains("a=simulcast:send q;h;f\r\n") && !engine.contains("rid:t"), "the smallest is left out");
}

#[test]
fn layers_that_the_engine_knows_are_not_announced_as_a_new_track() {
    let lines = "a=rid:h send\r\na=rid:f send\r\n";
    let camera = description(&[AUDIO, CAMERA]).replace("a=ssrc-group:FID 7 8\r\n", lines);
    let offer = Offer::parse(&camera).expect("good");
    let known = |rids: &[&str]| HashMap::from([("1".to_owned(), rids.iter().map(ToString::to_string).collect())]);
    let engine = |layered: &HashMap<String, Vec<String>>| offer.for_engine(&HashMap::new(), &far_end(), 2, layered);
    let again = engine(&known(&["h", "f"]));
    assert!(!again.contains("a=msid:browser mid-1") && again.contains("a=simulcast:send h;f\r\n"), "{again}");
    assert!(again.contains("a=msid:browser mid-0"), "a track with one number is known by it");
    assert!(engine(&known(&["q", "h", "f"])).contains("a=msid:browser mid-1"), "other layers are a new track");
}

#[test]
fn the_number_of_the_loudness_is_read_with_or_without_a_direction() {
    let with = |line: &'static str| {
        let sdp = description(&[AUDIO]).replace("a=ssrc:5 cname:x", line);
        Offer::parse(&sdp).expect("good").sections[0].level_extension()
    };
    assert_eq!(with("a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level"), Some(14));
    assert_eq!(with("a=extmap:3/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on"), Some(3));
    assert_eq!(with("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"), None);
}

#[test]
fn the_twelfth_of_a_room_may_describe_three_tracks_of_each_of_the_others() {
    // A browser that names every codec it knows writes three kilobytes for a picture, and one for a sound.
    let (many, few) = (["rtpmap:98 VP9/90000"; 180], ["rtpmap:0 PCMU/8000"; 50]);
    let video = [&["recvonly", "rtpmap:96 VP8/90000"][..], &many].concat();
    let audio = [&["recvonly", "rtpmap:111 opus/48000/2"][..], &few].concat();
    let mut sections = vec![AUDIO, CAMERA];
    sections.extend([("audio 9 UDP/TLS/RTP/SAVPF 111", &audio[..]); 11]);
    sections.extend([("video 9 UDP/TLS/RTP/SAVPF 96", &video[..]); 12]);
    let sdp = description(&sections);
    assert!(sdp.len() > 64 * 1024, "as long as a real one: {}", sdp.len());
    assert_eq!(Offer::parse(&sdp).expect("read").sections.len(), 25);
    assert!(Offer::parse(&description(&[AUDIO; 36])).is_ok());
}

#[test]
fn what_cannot_be_understood_is_refused() {
    let good = description(&[AUDIO]);
    let refused = |sdp: &str| Offer::parse(sdp).expect_err("refused");
    assert_eq!(refused(""), OfferRefusal::Malformed);
    assert_eq!(refused("v=0\r\n"), OfferRefusal::Malformed);
    assert_eq!(refused(&"v=0\r\n".repeat(20_000)), OfferRefusal::Malformed);
    for line in ["a=mid:0\r\n", "a=ice-ufrag:abcd\r\n", "a=group:BUNDLE 0\r\n"] {
        assert_eq!(refused(&good.replace(line, "")), OfferRefusal::Malformed, "{line}");
    }
    assert_eq!(refused(&good.replace("AB:", "AZ:")), OfferRefusal::Malformed);
    assert_eq!(refused(&description(&[AUDIO; 37])), OfferRefusal::Malformed);
    assert_eq!(refused(&good.replace("actpass", "passive")), OfferRefusal::Malformed);
    assert_eq!(refused(&description(&[DATA])), OfferRefusal::NoCommonCodec);
    assert_eq!(refused(&good.replace("opus", "speex")), OfferRefusal::NoCommonCodec);
}

proptest! {
    #[test]
    fn no_text_causes_a_panic(text in "(?s).{0,400}") {
        let _ = Offer::parse(&text);
    }

    #[test]
    fn no_damaged_offer_causes_a_panic(cut in 0_usize..1500, line in "[a-z]=[ -~]{0,40}") {
        let mut sdp = description(&[AUDIO, CAMERA, SCREEN]);
        let at = sdp.lines().take(cut % 40).map(|line| line.len() + 2).sum::<usize>().min(sdp.len());
        sdp.insert_str(at, &format!("{line}\r\n"));
        if let Ok(offer) = Offer::parse(&sdp) {
            let engine = offer.for_engine(&HashMap::new(), &far_end(), 1, &HashMap::new());
            prop_assert!(!engine.contains("candidate"));
        }
    }
}
