//! The engine's answer, made fit for the browser: our address, this connection's credentials of today, and a word about
//! every section that was offered.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::SocketAddr;

use super::offer::{Direction, Offer, Section, Use};
use super::port::Credentials;
use super::settings::TRANSPORT_WIDE;
use crate::domain::codec::Codec;
use crate::domain::room::relay::MediaKind;

/// What was negotiated for one receiving section.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// The track that the engine put there.
    pub(super) ssrc: u32,
    /// The number of the header extension of transport-wide numbers, if there is one.
    pub(super) wide: Option<u8>,
}

/// Where a connection is reached, and by what names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    /// The best first.
    pub(super) addresses: &'a [SocketAddr],
    pub(super) credentials: &'a Credentials,
    /// How often the browser restarted ICE.
    pub(super) restarts: u32,
}

/// Below what a browser gives its own addresses, so that ours decides between two pairs: RFC 8445, section 6.1.2.3, looks at
/// the lesser of both first.
const PREFERENCE: u32 = 100 << 24;
/// Addresses that are told apart.
const ADDRESSES: u32 = 16;

impl Reach<'_> {
    /// The priority of the address with this number, the first of which is 1.
    ///
    /// It grows with each restart. A browser keeps old pairs: Chromium drops a new one unasked where an old one of the same
    /// network once answered and has no lesser priority; and a network's own priority falls while there is another beside it.
    /// So whoever came back to a network was not heard there until the other one was gone for seconds.
    fn priority(&self, number: u32) -> u32 {
        let local = self.restarts.saturating_add(1).saturating_mul(ADDRESSES).saturating_sub(number.min(ADDRESSES));
        PREFERENCE + (local.min(0xffff) << 8) + 255
    }
}

/// The engine's answer, taken apart.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    session: Vec<&'a str>,
    sections: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Answer<'a> {
    /// Takes apart a description that the engine wrote.
    pub(super) fn parse(sdp: &'a str) -> Self {
        let mut blocks: Vec<Vec<&str>> = vec![vec![]];
        for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("m=") {
                blocks.push(vec![]);
            }
            if let Some(block) = blocks.last_mut() {
                block.push(line);
            }
        }
        let mut blocks = blocks.into_iter();
        let session = blocks.next().unwrap_or_default();
        let sections = blocks
            .filter_map(|block| block.iter().find_map(|line| line.strip_prefix("a=mid:")).map(|mid| (mid, block)))
            .filter(|(_, block)| block.first().is_none_or(|line| line.split(' ').nth(1) != Some("0")))
            .collect();
        Self { session, sections }
    }

    /// Which track the engine put into the section `mid`, if it sends there.
    pub(super) fn outgoing(&self, mid: &str) -> Option<Outgoing> {
        let lines = self.sections.get(mid)?;
        let values = |prefix: &'static str| lines.iter().filter_map(move |line| line.strip_prefix(prefix));
        let ssrc = values("a=ssrc:").find_map(|value| value.split(' ').next()?.parse().ok())?;
        let mut extensions = values("a=extmap:").filter_map(|value| value.split_once(' '));
        let wide = extensions.find(|(_, uri)| uri.split(' ').next() == Some(TRANSPORT_WIDE));
        let wide = wide.and_then(|(number, _)| number.split('/').next()?.parse().ok());
        Some(Outgoing { ssrc, wide })
    }

    /// The answer for the browser, which reaches us by `reach`. Its camera should speak the codec `camera`, and its screen VP8: where a browser offers that and another, the answer names this alone.
    pub(super) fn for_browser(
        &self,
        offer: &Offer,
        uses: &HashMap<String, Use>,
        reach: Reach<'_>,
        camera: Codec,
    ) -> String {
        let mut sdp = String::with_capacity(8192);
        for line in self.session.iter().filter(|line| !line.starts_with("a=group:")) {
            let _ = write!(sdp, "{line}\r\n");
        }
        sdp.push_str("a=group:BUNDLE");
        for section in offer.sections.iter().filter(|section| self.sections.contains_key(section.mid.as_str())) {
            let _ = write!(sdp, " {}", section.mid);
        }
        sdp.push_str("\r\n");
        let mut is_first = true;
        let mut pictures = std::iter::once(camera).chain(std::iter::repeat(Codec::Vp8));
        for section in &offer.sections {
            match self.sections.get(section.mid.as_str()) {
                Some(lines) => {
                    let usage = uses.get(&section.mid).copied();
                    let is_picture = section.kind == Some(MediaKind::Video);
                    let only = if is_picture && usage == Some(Use::Publishes) { pictures.next() } else { None };
                    let codecs = is_picture.then(|| section.codecs(only));
                    write_section(
                        &mut sdp,
                        lines,
                        codecs.as_deref(),
                        direction(section, usage),
                        reach,
                        std::mem::take(&mut is_first),
                    );
                }
                None => write_rejection(&mut sdp, section),
            }
        }
        sdp
    }
}

/// What the answer says to an offered direction: never more than was offered, never other than the section's use.
fn direction(section: &Section, usage: Option<Use>) -> &'static str {
    match (usage, section.direction) {
        (Some(Use::Publishes), Direction::SendRecv | Direction::SendOnly) => "recvonly",
        (Some(Use::Receives), Direction::SendRecv | Direction::RecvOnly) => "sendonly",
        _ => "inactive",
    }
}

/// `codecs`, by number and with their lines, stand in place of those that the engine found: it knows one codec for what it
/// sends, and media does not leave through it.
fn write_section(
    sdp: &mut String,
    lines: &[&str],
    codecs: Option<&[(u8, &[String])]>,
    direction: &str,
    reach: Reach<'_>,
    has_addresses: bool,
) {
    let credentials = reach.credentials;
    for line in lines {
        if let (Some(codecs), Some(head)) = (codecs, line.strip_prefix("m=")) {
            let head: Vec<_> = head.split(' ').take(3).collect();
            let _ = write!(sdp, "m={}", head.join(" "));
            for (number, _) in codecs {
                let _ = write!(sdp, " {number}");
            }
            sdp.push_str("\r\n");
            continue;
        }
        let attribute = line.strip_prefix("a=").unwrap_or_default();
        let name = attribute.split(':').next().unwrap_or_default();
        let _ = match name {
            "candidate" | "end-of-candidates" => continue,
            "rtpmap" | "fmtp" | "rtcp-fb" if codecs.is_some() => continue,
            "ice-ufrag" => write!(sdp, "a=ice-ufrag:{}\r\n", credentials.ufrag),
            "ice-pwd" => write!(sdp, "a=ice-pwd:{}\r\n", credentials.password),
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => write!(sdp, "a={direction}\r\n"),
            _ => write!(sdp, "{line}\r\n"),
        };
    }
    for line in codecs.into_iter().flatten().flat_map(|(_, lines)| *lines) {
        let _ = write!(sdp, "{line}\r\n");
    }
    if has_addresses {
        for (number, address) in (1..).zip(reach.addresses) {
            let (ip, port, priority) = (address.ip(), address.port(), reach.priority(number));
            let _ = write!(sdp, "a=candidate:{number} 1 udp {priority} {ip} {port} typ host\r\n");
        }
        sdp.push_str("a=end-of-candidates\r\n");
    }
}

fn write_rejection(sdp: &mut String, section: &Section) {
    let (media, protocol, formats) = &section.line;
    let mid = &section.mid;
    let _ = write!(sdp, "m={media} 0 {protocol} {formats}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:{mid}\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::offer::tests::{AUDIO, description};

    const ENGINE: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:old\r\na=ice-pwd:older\r\n\
        a=rtpmap:111 opus/48000/2\r\na=ssrc:77 cname:x\r\na=recvonly\r\n\
        a=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn the_browser_gets_our_address_and_the_credentials_of_today() {
        let offer = Offer::parse(
            &description(&[("application 9 UDP/DTLS/SCTP webrtc-datachannel", &[]), AUDIO])
                .replace("a=mid:0", "a=mid:d")
                .replace("a=mid:1", "a=mid:0")
                .replace("BUNDLE 0 1", "BUNDLE d 0"),
        )
        .expect("good");
        let uses = offer.uses(&HashMap::new()).expect("no more tracks than one has");
        let credentials = Credentials { ufrag: "new".into(), password: "newer".into() };
        let answer = Answer::parse(ENGINE);
        let addresses = ["203.0.113.5:8443".parse().unwrap(), "[2001:db8::5]:8443".parse().unwrap()];
        let reach = Reach { addresses: &addresses, credentials: &credentials, restarts: 0 };
        let sdp = answer.for_browser(&offer, &uses, reach, Codec::Vp8);
        assert!(sdp.contains("a=candidate:1 1 udp 1677725695 203.0.113.5 8443 typ host\r\n"), "{sdp}");
        assert!(sdp.contains("a=candidate:2 1 udp 1677725439 2001:db8::5 8443 typ host\r\n"), "{sdp}");
        assert!(sdp.contains("a=ice-ufrag:new\r\na=ice-pwd:newer\r\n") && !sdp.contains("127.0.0.1 5"));
        assert!(sdp.contains("a=group:BUNDLE 0\r\n") && sdp.contains("m=application 0 UDP/DTLS/SCTP"));
        assert!(sdp.find("m=application") < sdp.find("m=audio"), "in the order of the offer");
        let outgoing = answer.outgoing("0").expect("a track");
        assert_eq!(outgoing.ssrc, 77);
    }

    #[test]
    fn each_restart_is_preferred_to_all_before_it_and_what_the_browser_says_of_its_own_networks_does_not_matter() {
        let credentials = Credentials { ufrag: "new".into(), password: "newer".into() };
        let priority =
            |restarts, number| Reach { addresses: &[], credentials: &credentials, restarts }.priority(number);
        // What Chromium gives a host address while that network is the last of ten.
        let browsers = (126 << 24) + ((118 * 256 + 40) << 8) + 255;
        for restarts in 0..4_000 {
            assert!(priority(restarts + 1, ADDRESSES) > priority(restarts, 1), "{restarts}");
            assert!((1..ADDRESSES).all(|number| priority(restarts, number) > priority(restarts, number + 1)));
        }
        assert!([4_000, 1_000_000, u32::MAX].iter().all(|restarts| priority(*restarts, 1) < browsers));
        assert!(priority(u32::MAX, 1) >= priority(4_000, 1));
    }

    const PICTURES: &str = "rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:102 H264/90000\r\n\
        a=fmtp:102 packetization-mode=1;profile-level-id=42e01f\r\na=rtcp-fb:102 nack";

    #[test]
    fn a_camera_is_answered_with_one_codec_a_screen_with_vp8_and_who_receives_with_all() {
        let line = "video 9 UDP/TLS/RTP/SAVPF 96 102";
        let sections: Vec<(&str, &[&str])> =
            vec![(line, &["sendonly", PICTURES]), (line, &["sendonly", PICTURES]), (line, &["recvonly", PICTURES])];
        let offer = Offer::parse(&description(&sections)).expect("good");
        let uses = offer.uses(&HashMap::new()).expect("no more tracks than one has");
        let known = "m=video 9 UDP/TLS/RTP/SAVPF 96";
        let section = |mid: u8| format!("{known}\r\na=mid:{mid}\r\na=rtpmap:96 VP8/90000\r\na=inactive\r\n");
        let engine = format!("v=0\r\n{}{}{}", section(0), section(1), section(2));
        let answer = |camera| {
            let credentials = Credentials { ufrag: "new".into(), password: "newer".into() };
            let reach = Reach { addresses: &[], credentials: &credentials, restarts: 0 };
            let sdp = Answer::parse(&engine).for_browser(&offer, &uses, reach, camera);
            let numbers = |section: &str| {
                let formats =
                    section.lines().next().unwrap_or_default().trim_start_matches("video 9 UDP/TLS/RTP/SAVPF ");
                assert_eq!(section.matches("rtpmap:").count(), formats.split(' ').count(), "{section}");
                assert_eq!(section.contains("fmtp:102"), formats.contains("102"), "{section}");
                formats.to_owned()
            };
            sdp.split("m=").skip(1).map(numbers).collect::<Vec<_>>()
        };
        assert_eq!(answer(Codec::Vp8), ["96", "96", "96 102"]);
        assert_eq!(answer(Codec::H264), ["102", "96", "96 102"]);
    }
}
