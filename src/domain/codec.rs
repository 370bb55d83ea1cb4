//! The codecs that calls are made of. Nothing is transcoded: what one browser sends, others show.

use crate::domain::room::relay::MediaKind;

/// A codec that every browser we serve can send and show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Sound, 48 kHz.
    Opus,
    /// Pictures, in every browser.
    Vp8,
    /// Pictures, constrained baseline with packetization mode 1 only: what some machines encode without effort.
    H264,
}

impl Codec {
    /// Reads the value of an `a=rtpmap` after the payload type, such as `opus/48000/2`.
    pub fn from_rtpmap(encoding: &str) -> Option<Self> {
        match encoding.to_ascii_lowercase().as_str() {
            "opus/48000/2" => Some(Self::Opus),
            "vp8/90000" => Some(Self::Vp8),
            "h264/90000" => Some(Self::H264),
            _ => None,
        }
    }

    /// The kind of section that it may stand in.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::Vp8 | Self::H264 => MediaKind::Video,
        }
    }
}

/// Ticks of the RTP timestamp per second (RFC 7587 for Opus, RFC 7741 and RFC 6184 for video).
pub const fn clock_rate(kind: MediaKind) -> u32 {
    match kind {
        MediaKind::Audio => 48_000,
        MediaKind::Video => 90_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_names_are_read_in_any_case_and_strangers_are_ignored() {
        assert_eq!(Codec::from_rtpmap("OPUS/48000/2"), Some(Codec::Opus));
        assert_eq!(Codec::from_rtpmap("VP8/90000"), Some(Codec::Vp8));
        assert_eq!(Codec::from_rtpmap("AV1/90000"), None);
    }
}
