//! VP8 pictures out of RTP payloads (RFC 7741). Opus needs nothing of the kind: a packet is a frame (RFC 7587).

/// The largest picture that is kept; more is an attack.
const LARGEST: usize = 4 << 20;

/// A whole picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The RTP timestamp.
    pub timestamp: u32,
    /// Width and height; only a keyframe says them, and only a keyframe stands alone.
    pub size: Option<(u16, u16)>,
    /// The picture as a decoder takes it.
    pub data: Vec<u8>,
}

/// Builds pictures from packets in order.
#[derive(Debug, Default)]
pub struct Frames {
    open: Option<(u32, Vec<u8>)>,
    /// A picture without the one before it would be rubbish: only a keyframe may follow a loss.
    is_whole: bool,
}

/// What a packet brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Built {
    /// Nothing yet.
    More,
    /// A picture.
    Whole(Frame),
    /// A picture that is no use without one that was lost: ask for a keyframe.
    Useless,
}

impl Frames {
    /// Takes the next packet; `missing` tells that one before it was lost.
    pub fn push(&mut self, missing: bool, timestamp: u32, marker: bool, payload: &[u8]) -> Built {
        if missing {
            self.open = None;
            self.is_whole = false;
        }
        let Some((starts, data)) = split(payload) else { return Built::More };
        if starts {
            self.open = Some((timestamp, Vec::new()));
        }
        match &mut self.open {
            Some((of, picture)) if *of == timestamp && picture.len() + data.len() <= LARGEST => {
                picture.extend_from_slice(data);
            }
            _ => {
                self.open = None;
                self.is_whole = false;
            }
        }
        if !marker {
            return Built::More;
        }
        let Some((timestamp, data)) = self.open.take() else { return Built::Useless };
        let size = keyframe_size(&data);
        self.is_whole |= size.is_some();
        if self.is_whole { Built::Whole(Frame { timestamp, size, data }) } else { Built::Useless }
    }
}

/// Whether a payload begins a picture, and what is behind its descriptor (RFC 7741, section 4.2).
pub fn split(payload: &[u8]) -> Option<(bool, &[u8])> {
    let first = *payload.first()?;
    let mut at = 1;
    if first & 0x80 != 0 {
        let extended = *payload.get(at)?;
        at += 1;
        if extended & 0x80 != 0 {
            at += if payload.get(at)? & 0x80 != 0 { 2 } else { 1 };
        }
        at += usize::from(extended & 0x40 != 0) + usize::from(extended & 0x30 != 0);
    }
    let data = payload.get(at..).filter(|data| !data.is_empty())?;
    Some((first & 0x17 == 0x10, data))
}

/// Width and height of a keyframe (RFC 6386, section 9.1).
pub fn keyframe_size(data: &[u8]) -> Option<(u16, u16)> {
    let [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = data else { return None };
    let side = |low: u8, high: u8| u16::from_le_bytes([low, high]) & 0x3fff;
    (tag & 1 == 0).then_some((side(*w0, *w1), side(*h0, *h1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 11] = [0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01];

    #[test]
    fn a_picture_of_two_packets_is_put_together() {
        let mut frames = Frames::default();
        assert_eq!(frames.push(false, 9, false, &KEY), Built::More);
        let Built::Whole(frame) = frames.push(false, 9, true, &[0x00, 7, 8]) else { panic!("a picture") };
        assert_eq!((frame.size, frame.timestamp, frame.data.len()), (Some((640, 480)), 9, 12));
        assert_eq!(&frame.data[10..], [7, 8]);
    }

    #[test]
    fn after_a_loss_only_a_keyframe_is_shown() {
        let mut frames = Frames::default();
        let whole = |built| matches!(built, Built::Whole(_));
        assert!(!whole(frames.push(false, 1, true, &[0x10, 1, 2])), "nothing to build on");
        assert!(whole(frames.push(false, 2, true, &KEY)));
        assert!(whole(frames.push(false, 3, true, &[0x10, 1, 2])));
        assert_eq!(frames.push(true, 5, true, &[0x10, 1, 2]), Built::Useless);
        assert_eq!(frames.push(false, 6, true, &[0x10, 1, 2]), Built::Useless);
        assert!(whole(frames.push(false, 7, true, &KEY)));
    }

    #[test]
    fn a_descriptor_of_every_length_is_skipped() {
        assert_eq!(split(&[0x90, 0x80, 0x81, 0x02, 9]), Some((true, &[9][..])));
        assert_eq!(split(&[0x90, 0xf0, 0x01, 0x02, 0x03, 9]), Some((true, &[9][..])));
        assert_eq!(split(&[0x11, 9]), Some((false, &[9][..])), "a later partition");
        assert_eq!(split(&[0x90, 0xf0, 0x01]), None);
    }

    proptest! {
        #[test]
        fn no_payload_panics(packets in proptest::collection::vec(
            (any::<bool>(), any::<u32>(), any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..50)) {
            let mut frames = Frames::default();
            for (missing, timestamp, marker, payload) in packets {
                frames.push(missing, timestamp, marker, &payload);
            }
        }
    }
}
