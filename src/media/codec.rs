//! The three codecs that the relay carries, and the payload types that a section gives them.

use crate::domain::room::codec::PictureCodec;
use crate::domain::room::relay::MediaKind;

/// A codec that every browser we serve can send and show; the relay does not transcode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Codec {
    /// Audio, 48 kHz.
    Opus,
    /// Video, in every browser.
    Vp8,
    /// Video, constrained baseline with packetization mode 1 only.
    H264,
}

impl Codec {
    /// Reads the value of an `a=rtpmap` after the payload type, such as `opus/48000/2`.
    pub(super) fn from_rtpmap(encoding: &str) -> Option<Self> {
        match encoding.to_ascii_lowercase().as_str() {
            "opus/48000/2" => Some(Self::Opus),
            "vp8/90000" => Some(Self::Vp8),
            "h264/90000" => Some(Self::H264),
            _ => None,
        }
    }

    /// The kind of section that it may stand in.
    pub(super) const fn kind(self) -> MediaKind {
        match self {
            Self::Opus => MediaKind::Audio,
            Self::Vp8 | Self::H264 => MediaKind::Video,
        }
    }
}

impl From<PictureCodec> for Codec {
    fn from(codec: PictureCodec) -> Self {
        match codec {
            PictureCodec::Vp8 => Self::Vp8,
            PictureCodec::H264 => Self::H264,
        }
    }
}

/// Ticks of the RTP timestamp per second (RFC 7587 for Opus, RFC 7741 and RFC 6184 for video).
pub(super) const fn clock_rate(kind: MediaKind) -> u32 {
    match kind {
        MediaKind::Audio => 48_000,
        MediaKind::Video => 90_000,
    }
}

/// The payload type of each codec in one section; RTP carries the number, not the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PayloadTypes(Vec<(u8, Codec)>);

impl PayloadTypes {
    /// Notes that `number` stands for `codec`; the first number of a codec is the one we send.
    pub(super) fn insert(&mut self, number: u8, codec: Codec) {
        self.0.push((number, codec));
    }

    /// The number to send `codec` with, if the section has it.
    pub(super) fn number(&self, codec: Codec) -> Option<u8> {
        self.0.iter().find(|(_, c)| *c == codec).map(|(number, _)| *number)
    }

    /// The codecs, in the order in which they were noted.
    pub(super) fn codecs(&self) -> impl Iterator<Item = Codec> {
        self.0.iter().map(|(_, codec)| *codec)
    }

    /// What a received number stands for.
    pub(super) fn codec(&self, number: u8) -> Option<Codec> {
        self.0.iter().find(|(n, _)| *n == number).map(|(_, codec)| *codec)
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

    #[test]
    fn the_first_number_of_a_codec_is_the_one_we_send() {
        let mut types = PayloadTypes::default();
        types.insert(102, Codec::H264);
        types.insert(108, Codec::H264);
        assert_eq!(types.number(Codec::H264), Some(102));
        assert_eq!(types.codec(108), Some(Codec::H264));
        assert_eq!(types.number(Codec::Vp8), None);
    }
}
