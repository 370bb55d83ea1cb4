//! The VP8 payload descriptor (RFC 7741, section 4.2): where a frame begins, how large it is, and its numbers.
//!
//! A decoder follows picture ids and layer indexes across packets. When a leg changes from one encoder to another these
//! numbers jump, although no picture was lost; so they are shifted, like the sequence numbers, into one stream.

use bytes::{Bytes, BytesMut};

/// The numbers of a picture, and where its bytes begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Descriptor {
    picture: Option<PictureId>,
    /// The running index of base layer pictures, and where it stands.
    base_index: Option<(usize, u8)>,
    payload_at: usize,
    starts_frame: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PictureId {
    at: usize,
    /// 15 bits instead of 7.
    is_long: bool,
    number: u16,
}

impl PictureId {
    fn mask(self) -> u16 {
        if self.is_long { 0x7fff } else { 0x7f }
    }
}

impl Descriptor {
    /// Reads the descriptor in front of a payload; `None` when it is cut short.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut at = 1;
        let (mut picture, mut base_index) = (None, None);
        if first & 0x80 != 0 {
            let extended = *payload.get(at)?;
            at += 1;
            if extended & 0x80 != 0 {
                let high = *payload.get(at)?;
                let is_long = high & 0x80 != 0;
                let number =
                    if is_long { u16::from_be_bytes([high & 0x7f, *payload.get(at + 1)?]) } else { u16::from(high) };
                picture = Some(PictureId { at, is_long, number });
                at += if is_long { 2 } else { 1 };
            }
            if extended & 0x40 != 0 {
                base_index = Some((at, *payload.get(at)?));
                at += 1;
            }
            if extended & 0x30 != 0 {
                at += 1;
            }
        }
        let starts_frame = first & 0x10 != 0 && first.trailing_zeros() >= 3;
        Some(Self { picture, base_index, payload_at: at, starts_frame })
    }

    /// Whether the packet is the first of a picture that needs no earlier one.
    pub(super) fn starts_keyframe(&self, payload: &[u8]) -> bool {
        self.starts_frame && payload.get(self.payload_at).is_some_and(|byte| byte & 0x01 == 0)
    }

    /// Width and height, which only the first packet of a keyframe names (RFC 6386, section 9.1).
    pub(super) fn size(&self, payload: &[u8]) -> Option<(u16, u16)> {
        if !self.starts_keyframe(payload) {
            return None;
        }
        let header = payload.get(self.payload_at..self.payload_at + 10)?;
        if header[3..6] != [0x9d, 0x01, 0x2a] {
            return None;
        }
        let field = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3fff;
        Some((field(header[6], header[7]), field(header[8], header[9])))
    }
}

/// Shifts picture ids and base layer indexes of successive encoders into one stream.
#[derive(Debug, Default)]
pub(super) struct Continuity {
    newest: Option<(u16, u8)>,
    shift: (u16, u8),
}

impl Continuity {
    /// Begins a new encoder at the packet with this descriptor: its picture follows on the newest that left.
    pub(super) fn begin(&mut self, first: &Descriptor) {
        let Some((picture, base)) = self.newest else { return };
        let comes = first.picture.map_or(0, |picture| picture.number);
        let index = first.base_index.map_or(0, |(_, index)| index);
        self.shift = (picture.wrapping_add(1).wrapping_sub(comes), base.wrapping_add(1).wrapping_sub(index));
    }

    /// The payload under the numbers of this stream.
    pub(super) fn rewrite(&mut self, descriptor: &Descriptor, payload: Bytes) -> Bytes {
        let shifted = descriptor.picture.map(|picture| {
            let number = picture.number.wrapping_add(self.shift.0) & picture.mask();
            (picture, number)
        });
        let index = descriptor.base_index.map(|(at, index)| (at, index.wrapping_add(self.shift.1)));
        self.note(shifted, index.map(|(_, index)| index));
        // Most calls never change their encoder; then nothing is copied.
        if self.shift == (0, 0) {
            return payload;
        }
        let mut bytes = BytesMut::from(payload);
        if let Some((picture, number)) = shifted {
            let [high, low] = number.to_be_bytes();
            if picture.is_long {
                bytes[picture.at] = high | 0x80;
                bytes[picture.at + 1] = low;
            } else {
                bytes[picture.at] = low;
            }
        }
        if let Some((at, index)) = index {
            bytes[at] = index;
        }
        bytes.freeze()
    }

    fn note(&mut self, picture: Option<(PictureId, u16)>, index: Option<u8>) {
        let (newest, base) = self.newest.unwrap_or_default();
        let picture = picture.map_or(newest, |(id, number)| {
            // A late packet of an older picture does not move the newest back.
            let ahead = number.wrapping_sub(newest) & id.mask();
            if self.newest.is_none() || ahead <= id.mask() / 2 { number } else { newest }
        });
        let base = index
            .map_or(base, |index| if self.newest.is_none() || index.wrapping_sub(base) < 0x80 { index } else { base });
        self.newest = Some((picture, base));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(picture: u16, index: u8, frame: u8) -> Bytes {
        let [high, low] = picture.to_be_bytes();
        Bytes::copy_from_slice(&[0x90, 0xe0, high | 0x80, low, index, 0x01, frame])
    }

    fn numbers(payload: &[u8]) -> (u16, u8) {
        let read = Descriptor::read(payload).expect("whole");
        (read.picture.expect("there").number, read.base_index.expect("there").1)
    }

    #[test]
    fn a_keyframe_names_its_size() {
        let payload = [0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x41, 0, 0];
        let read = Descriptor::read(&payload).expect("whole");
        assert!(read.starts_keyframe(&payload));
        assert_eq!(read.size(&payload), Some((640, 480)), "the two highest bits are a scale");
        let later = [0x10, 0x11, 0x02, 0x00];
        assert_eq!(Descriptor::read(&later).expect("whole").size(&later), None);
    }

    #[test]
    fn another_encoders_pictures_follow_on_the_former_ones() {
        let mut stream = Continuity::default();
        for (picture, index) in [(100, 7), (101, 8)] {
            let payload = packet(picture, index, 1);
            let read = Descriptor::read(&payload).expect("whole");
            assert_eq!(numbers(&stream.rewrite(&read, payload.clone())), (picture, index));
        }
        let first = packet(32_767, 200, 0);
        let read = Descriptor::read(&first).expect("whole");
        stream.begin(&read);
        assert_eq!(numbers(&stream.rewrite(&read, first.clone())), (102, 9));
        let second = packet(0, 201, 1);
        let read = Descriptor::read(&second).expect("whole");
        assert_eq!(numbers(&stream.rewrite(&read, second.clone())), (103, 10), "the numbers go round");
        assert_eq!(stream.rewrite(&read, second.clone()).last(), Some(&1), "the picture itself is not touched");
    }

    proptest! {
        /// Whatever encoders follow on one another, the first picture of each is the one after the newest before it.
        #[test]
        fn pictures_are_numbered_without_a_jump(
            encoders in proptest::collection::vec((0_u16..0x8000, any::<u8>(), 1_u8..40), 1..6),
        ) {
            let mut stream = Continuity::default();
            let mut newest: Option<u16> = None;
            for (first, index, pictures) in encoders {
                for step in 0..pictures {
                    let payload = packet(first.wrapping_add(step.into()) & 0x7fff, index.wrapping_add(step), 1);
                    let read = Descriptor::read(&payload).expect("whole");
                    if step == 0 {
                        stream.begin(&read);
                    }
                    let (picture, _) = numbers(&stream.rewrite(&read, payload));
                    if let Some(newest) = newest {
                        prop_assert_eq!(picture, (newest + 1) & 0x7fff);
                    }
                    newest = Some(picture);
                }
            }
        }

        #[test]
        fn no_bytes_cause_a_panic(payload in proptest::collection::vec(any::<u8>(), 0..32)) {
            if let Some(read) = Descriptor::read(&payload) {
                let _ = (read.starts_keyframe(&payload), read.size(&payload));
                let mut stream = Continuity { newest: Some((5, 5)), shift: (0, 0) };
                stream.begin(&read);
                prop_assert_eq!(stream.rewrite(&read, Bytes::from(payload.clone())).len(), payload.len());
            }
        }
    }
}
