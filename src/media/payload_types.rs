//! The payload types of a section: which number stands for which codec there.

use crate::domain::codec::Codec;

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
    fn the_first_number_of_a_codec_is_the_one_we_send() {
        let mut types = PayloadTypes::default();
        types.insert(102, Codec::H264);
        types.insert(108, Codec::H264);
        assert_eq!(types.number(Codec::H264), Some(102));
        assert_eq!(types.codec(108), Some(Codec::H264));
        assert_eq!(types.number(Codec::Vp8), None);
    }
}
