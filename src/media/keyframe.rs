//! Where a picture begins that needs no earlier one.
//!
//! A leg that changes its source must start there: a decoder that gets the middle of somebody else's stream shows
//! garbage, or nothing.

use super::vp8::Descriptor;
use crate::domain::codec::Codec;

/// Tells whether `payload` is the first packet of a keyframe. Audio may start anywhere.
pub(super) fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::Opus => true,
        Codec::Vp8 => Descriptor::read(payload).is_some_and(|read| read.starts_keyframe(payload)),
        Codec::H264 => h264(payload).unwrap_or(false),
    }
}

/// RFC 6184, section 5.2: a sequence parameter set, bare, aggregated or fragmented. A picture that builds on no other comes
/// right behind it, and cannot be shown without.
fn h264(payload: &[u8]) -> Option<bool> {
    const STAP_A: u8 = 24;
    const FU_A: u8 = 28;
    let opens = |unit: u8| unit & 0x1f == 7;
    match payload.first()? & 0x1f {
        STAP_A => {
            let mut at = 1;
            while let Some([high, low, unit]) = payload.get(at..at + 3) {
                if opens(*unit) {
                    return Some(true);
                }
                at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
            }
            Some(false)
        }
        FU_A => {
            let header = *payload.get(1)?;
            Some(header & 0x80 != 0 && opens(header))
        }
        unit => Some(opens(unit)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_vp8_keyframe_is_seen_behind_every_form_of_descriptor() {
        assert!(starts_keyframe(Codec::Vp8, &[0x10, 0x50]));
        assert!(starts_keyframe(Codec::Vp8, &[0x90, 0x80, 0x11, 0x50]), "picture id of one byte");
        assert!(starts_keyframe(Codec::Vp8, &[0x90, 0xe0, 0x91, 0x22, 0x01, 0x20, 0x50]), "every field");
        assert!(!starts_keyframe(Codec::Vp8, &[0x10, 0x51]), "an interframe");
        assert!(!starts_keyframe(Codec::Vp8, &[0x00, 0x50]), "the middle of a frame");
        assert!(!starts_keyframe(Codec::Vp8, &[0x11, 0x50]), "another partition");
    }

    #[test]
    fn an_h264_keyframe_is_seen_bare_aggregated_and_fragmented() {
        assert!(starts_keyframe(Codec::H264, &[0x67, 1]));
        assert!(starts_keyframe(Codec::H264, &[0x78, 0, 2, 0x67, 1, 0, 2, 0x68, 1]));
        assert!(starts_keyframe(Codec::H264, &[0x78, 0, 2, 0x09, 1, 0, 2, 0x67, 1]), "behind a delimiter");
        assert!(starts_keyframe(Codec::H264, &[0x7c, 0x87, 1]));
        assert!(!starts_keyframe(Codec::H264, &[0x7c, 0x07, 1]), "a later fragment");
        assert!(!starts_keyframe(Codec::H264, &[0x65, 1]), "the picture behind it");
        assert!(!starts_keyframe(Codec::H264, &[0x61, 1]), "an interframe");
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(payload in proptest::collection::vec(any::<u8>(), 0..64)) {
            for codec in [Codec::Opus, Codec::Vp8, Codec::H264] {
                let _ = starts_keyframe(codec, &payload);
            }
        }
    }
}
