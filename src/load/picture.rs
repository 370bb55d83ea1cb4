//! The moving test picture: a drawn head before a wall, two seconds that repeat, in VP8.
//!
//! The pictures were drawn and encoded once (320x240, `cwebp`, whose lossy still *is* a VP8 keyframe) and lie in
//! `pictures.vp8`: for each picture two bytes of length, then the frame; four walls of 24 frames each. Every frame stands
//! alone, so nobody waits for a keyframe.

use bytes::Bytes;

static PICTURES: &[u8] = include_bytes!("pictures.vp8");
/// Frames of one loop.
pub(super) const FRAMES: usize = 24;
/// What fits into one datagram beside headers and seals.
const PAYLOAD: usize = 1_100;

/// The frames of the loop `number`; there are four, and others begin again.
pub(super) fn frames(number: usize) -> Vec<&'static [u8]> {
    let mut rest = PICTURES;
    let mut all = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk::<2>()
        && let Some((frame, more)) = more.split_at_checked(usize::from(u16::from_be_bytes(*length)))
    {
        all.push(frame);
        rest = more;
    }
    let loops = (all.len() / FRAMES).max(1);
    all.into_iter().skip(number % loops * FRAMES).take(FRAMES).collect()
}

/// Cuts a frame into payloads (RFC 7741): the first says that it begins one.
pub(super) fn payloads(frame: &[u8]) -> Vec<Bytes> {
    let cut = |(at, part): (usize, &[u8])| [&[if at == 0 { 0x10 } else { 0 }], part].concat().into();
    frame.chunks(PAYLOAD).enumerate().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_of_every_loop_is_a_keyframe_of_its_size_and_differs_from_the_one_before() {
        for number in 0..4 {
            let frames = frames(number);
            assert_eq!(frames.len(), FRAMES);
            for (at, frame) in frames.iter().enumerate() {
                assert_eq!((frame[0] & 1, &frame[3..6]), (0, &[0x9d, 0x01, 0x2a][..]), "a keyframe (RFC 6386, 9.1)");
                assert_eq!(&frame[6..10], [0x40, 1, 0xf0, 0], "320x240");
                assert_ne!(frame, &frames[(at + 1) % FRAMES]);
                let cut = payloads(frame);
                assert_eq!(cut.iter().map(|part| part.len() - 1).sum::<usize>(), frame.len());
                assert!(cut.iter().enumerate().all(|(at, part)| (part[0] == 0x10) == (at == 0)));
            }
        }
    }
}
