//! A browser's offer, read with suspicion.
//!
//! The engine is handed a description that we wrote ourselves ([`Offer::for_engine`]) from what we understood, never the
//! stranger's text. What cannot be understood is refused here, before anything of a running connection was touched.

mod for_engine;
#[cfg(test)]
pub(super) mod tests;

use std::collections::{HashMap, HashSet};

use super::layer::LAYERS;
use super::payload_types::PayloadTypes;
use crate::domain::codec::Codec;
use crate::domain::room::relay::{MediaKind, OfferRefusal, SourceName};
pub(super) use for_engine::mid_of_track;

/// The longest description we read, in bytes.
const LONGEST: usize = 96 * 1024;
/// The most sections: one's own three tracks, and those of eleven others. More of one's own are refused
/// ([`Offer::uses`]), so that nobody can fill the sections of others.
const MOST_SECTIONS: usize = 36;
/// The most names that the sections of one connection have had: one that a browser stops is followed by another.
const MOST_NAMES: usize = 4 * MOST_SECTIONS;
/// The header extensions that the engine uses; others would only cost bytes.
const EXTENSIONS: [&str; 4] = [
    LEVEL_EXTENSION,
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
];
/// How loud a packet of sound is (RFC 6464).
pub(super) const LEVEL_EXTENSION: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// An offer that can be answered.
#[derive(Debug)]
pub(super) struct Offer {
    /// The browser's certificate: the same one means the same `RTCPeerConnection`.
    pub(super) fingerprint: String,
    /// The browser's ICE name: another one under the same certificate is an ICE restart.
    pub(super) ufrag: String,
    /// Its password: who answers under it is the browser.
    pub(super) password: String,
    mixed_extensions: bool,
    /// In the order of the description.
    pub(super) sections: Vec<Section>,
}

/// One `m=` section.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) mid: String,
    /// What a rejection has to repeat: media, protocol, formats.
    pub(super) line: (String, String, String),
    /// `None` for what we do not carry; such a section is answered with port 0.
    pub(super) kind: Option<MediaKind>,
    pub(super) direction: Direction,
    codecs: Vec<OfferedCodec>,
    extensions: Vec<String>,
    ssrc: Option<u32>,
    rids: Vec<String>,
}

#[derive(Debug)]
struct OfferedCodec {
    number: u8,
    codec: Codec,
    attributes: Vec<String>,
}

/// Which way the browser wants media to flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Direction {
    /// Both ways; also what is meant when nothing is said.
    #[default]
    SendRecv,
    /// From the browser.
    SendOnly,
    /// To the browser.
    RecvOnly,
    /// Not now.
    Inactive,
}

/// What a section is for. Fixed when it is first seen: a section of a connection never changes its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// The browser's own media.
    Publishes,
    /// A slot for somebody else's.
    Receives,
}

impl Section {
    /// The payload types of what the browser sends here.
    pub(super) fn payload_types(&self) -> PayloadTypes {
        let mut types = PayloadTypes::default();
        self.codecs.iter().for_each(|offered| types.insert(offered.number, offered.codec));
        types
    }

    /// The codecs that we carry, by number and with their lines; `only` this one, if it is among them.
    pub(super) fn codecs(&self, only: Option<Codec>) -> Vec<(u8, &[String])> {
        let only = only.filter(|only| self.codecs.iter().any(|offered| offered.codec == *only));
        let said = self.codecs.iter().filter(|offered| only.is_none_or(|only| only == offered.codec));
        said.map(|offered| (offered.number, &offered.attributes[..])).collect()
    }

    /// The names of the layers of what the browser sends here, from small to large; empty when there is one.
    pub(super) fn rids(&self) -> &[String] {
        &self.rids
    }

    /// The number of the header extension that names the loudness.
    pub(super) fn level_extension(&self) -> Option<u8> {
        let mut values = self.extensions.iter().filter_map(|value| value.split_once(' '));
        let (number, _) = values.find(|(_, uri)| uri.split(' ').next() == Some(LEVEL_EXTENSION))?;
        number.split('/').next()?.parse().ok()
    }

    fn first_use(&self) -> Use {
        if self.direction == Direction::RecvOnly { Use::Receives } else { Use::Publishes }
    }
}

impl Offer {
    /// Reads a description.
    pub(super) fn parse(sdp: &str) -> Result<Self, OfferRefusal> {
        if sdp.len() > LONGEST {
            return Err(OfferRefusal::Malformed);
        }
        Self::read(sdp).ok_or(OfferRefusal::Malformed)?
    }

    /// `None` is malformed.
    fn read(sdp: &str) -> Option<Result<Self, OfferRefusal>> {
        let mut lines = sdp.lines().map(str::trim_end).filter(|line| !line.is_empty());
        if lines.next()? != "v=0" {
            return None;
        }
        let mut blocks: Vec<Vec<&str>> = vec![vec![]];
        for line in lines {
            if line.starts_with("m=") {
                blocks.push(vec![]);
            }
            blocks.last_mut()?.push(line);
        }
        let (session, blocks) = blocks.split_first()?;
        if blocks.is_empty() || blocks.len() > MOST_SECTIONS {
            return None;
        }
        let sections: Vec<_> = blocks.iter().map(|block| Section::read(block)).collect::<Option<_>>()?;
        if sections.iter().all(|section| section.kind.is_none()) {
            return Some(Err(OfferRefusal::NoCommonCodec));
        }
        let mids: HashSet<&str> = sections.iter().map(|section| section.mid.as_str()).collect();
        let bundled: HashSet<&str> = session
            .iter()
            .filter_map(|line| line.strip_prefix("a=group:BUNDLE "))
            .flat_map(str::split_whitespace)
            .collect();
        if mids.len() != sections.len()
            || !sections.iter().filter(|s| s.kind.is_some()).all(|s| bundled.contains(s.mid.as_str()))
        {
            return None;
        }
        // Bundled sections share one transport, so all that name these name the same ones. What is rejected stays out:
        // browsers keep the ICE name of long ago in such a section.
        let carried =
            blocks.iter().zip(&sections).filter(|(_, section)| section.kind.is_some()).map(|(block, _)| block);
        let lines: Vec<&str> = std::iter::once(session).chain(carried).flatten().copied().collect();
        let shared = |prefix: &str| {
            let mut values = lines.iter().filter_map(|line| line.strip_prefix(prefix));
            let first = values.next()?;
            values.all(|value| value == first).then(|| first.to_owned())
        };
        let fingerprint = shared("a=fingerprint:").filter(|value| is_fingerprint(value))?;
        let ufrag = shared("a=ice-ufrag:").filter(|value| (4..=64).contains(&value.len()))?;
        let password = shared("a=ice-pwd:").filter(|value| (22..=256).contains(&value.len()))?;
        // We are the DTLS server; a browser that insists on the same part cannot be met.
        if shared("a=setup:").is_some_and(|setup| setup == "passive") {
            return None;
        }
        let mixed_extensions = session.contains(&"a=extmap-allow-mixed");
        Some(Ok(Self { fingerprint, ufrag, password, mixed_extensions, sections }))
    }

    /// The use of each section: as `known`, or by its direction when it is new. Refused when more of its own are among them
    /// than a participant has ([`SourceName`]).
    pub(super) fn uses(&self, known: &HashMap<String, Use>) -> Result<HashMap<String, Use>, OfferRefusal> {
        let (mut uses, mut own) = (known.clone(), HashMap::new());
        for (section, kind) in self.carried() {
            let usage = *uses.entry(section.mid.clone()).or_insert_with(|| section.first_use());
            if usage == Use::Publishes {
                let order: &mut usize = own.entry(kind).or_default();
                SourceName::of(kind, *order).ok_or(OfferRefusal::Malformed)?;
                *order += 1;
            }
        }
        if uses.len() > MOST_NAMES { Err(OfferRefusal::Malformed) } else { Ok(uses) }
    }

    /// The sections that we carry, and of which kind.
    pub(super) fn carried(&self) -> impl Iterator<Item = (&Section, MediaKind)> {
        self.sections.iter().filter_map(|section| section.kind.map(|kind| (section, kind)))
    }
}

impl Section {
    fn read(block: &[&str]) -> Option<Self> {
        let (line, attributes) = block.split_first()?;
        let mut words = line.strip_prefix("m=")?.splitn(4, ' ');
        let (media, port, protocol, formats) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let values = |prefix: &'static str| attributes.iter().filter_map(move |line| line.strip_prefix(prefix));
        let mid = values("a=mid:").next().filter(|mid| is_token(mid))?.to_owned();
        let kind = match media {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        };
        // Port 0 without `bundle-only` is a section that the browser has stopped (RFC 9143, section 7).
        let stopped = port == "0" && !attributes.contains(&"a=bundle-only");
        let rtp = protocol == "UDP/TLS/RTP/SAVPF" && attributes.contains(&"a=rtcp-mux");
        let direction = attributes
            .iter()
            .find_map(|line| match *line {
                "a=sendrecv" => Some(Direction::SendRecv),
                "a=sendonly" => Some(Direction::SendOnly),
                "a=recvonly" => Some(Direction::RecvOnly),
                "a=inactive" => Some(Direction::Inactive),
                _ => None,
            })
            .unwrap_or_default();
        let codecs = kind.map(|kind| read_codecs(kind, attributes)).unwrap_or_default();
        let extensions = values("a=extmap:")
            .filter(|value| value.split_whitespace().nth(1).is_some_and(|uri| EXTENSIONS.contains(&uri)))
            .map(str::to_owned)
            .collect();
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u32>().ok()).filter(|ssrc| *ssrc != 0);
        // The first of a pair is the media, the second its repair.
        let ssrc = values("a=ssrc-group:FID ")
            .find_map(|pair| number(pair.split_whitespace().next()))
            .or_else(|| values("a=ssrc:").find_map(|value| number(value.split_whitespace().next())));
        // Layers are listed from small to large; of more than we carry the smallest are left out. A voice has one: of two
        // everybody could hear the one and a recording keep the other.
        let mut rids: Vec<_> = values("a=rid:")
            .filter(|_| kind == Some(MediaKind::Video))
            .filter_map(|value| value.split_once(" send").map(|(rid, _)| rid))
            .filter(|rid| is_token(rid))
            .map(str::to_owned)
            .collect();
        rids.drain(..rids.len().saturating_sub(LAYERS));
        Some(Self {
            mid,
            line: (media.to_owned(), protocol.to_owned(), formats.to_owned()),
            kind: kind.filter(|_| rtp && !stopped && !codecs.is_empty()),
            direction,
            codecs,
            extensions,
            ssrc,
            rids,
        })
    }
}

/// The codecs of a section that we carry, in the browser's order.
fn read_codecs(kind: MediaKind, attributes: &[&str]) -> Vec<OfferedCodec> {
    let of = |number: u8, prefix: &'static str| {
        attributes.iter().filter_map(move |line| {
            let (n, value) = line.strip_prefix(prefix)?.split_once(' ')?;
            (n.parse() == Ok(number)).then_some((*line, value))
        })
    };
    let mut codecs: Vec<OfferedCodec> = Vec::new();
    for line in attributes {
        let Some((number, encoding)) = line.strip_prefix("a=rtpmap:").and_then(|value| value.split_once(' ')) else {
            continue;
        };
        let Ok(number) = number.parse::<u8>() else { continue };
        let Some(codec) = Codec::from_rtpmap(encoding).filter(|codec| codec.kind() == kind) else { continue };
        let format = of(number, "a=fmtp:").next();
        let fits = codec != Codec::H264 || format.is_some_and(|(_, format)| is_constrained_baseline(format));
        if number >= 128 || !fits || codecs.iter().any(|known| known.number == number || known.codec == codec) {
            continue;
        }
        let feedback = of(number, "a=rtcp-fb:")
            .filter(|(_, value)| matches!(*value, "nack" | "nack pli" | "ccm fir" | "transport-cc"))
            .map(|(line, _)| line);
        let attributes = std::iter::once(*line).chain(format.map(|(line, _)| line)).chain(feedback);
        codecs.push(OfferedCodec { number, codec, attributes: attributes.map(str::to_owned).collect() });
    }
    codecs
}

fn is_constrained_baseline(format: &str) -> bool {
    let format = format.to_ascii_lowercase();
    format.contains("packetization-mode=1") && format.contains("profile-level-id=42e0")
}

/// A token of RFC 4566, and short: it is repeated in many places.
fn is_token(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+{}".contains(&byte))
}

fn is_fingerprint(value: &str) -> bool {
    value.split_once(' ').is_some_and(|(hash, digest)| {
        matches!(hash.to_ascii_lowercase().as_str(), "sha-256" | "sha-384" | "sha-512")
            && digest.len() >= 95
            && digest.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()))
    })
}
