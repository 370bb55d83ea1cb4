//! How large the pictures of an H.264 stream are: its sequence parameter set says so (ITU-T H.264, 7.3.2.1.1).
//!
//! Constrained baseline alone, as it is negotiated: no other profile's fields are there.

/// Width and height, if a packet carries a sequence parameter set: bare, or as a part of an aggregate (RFC 6184, 5.7.1).
pub(super) fn size(payload: &[u8]) -> Option<(u16, u16)> {
    const SPS: u8 = 7;
    const STAP_A: u8 = 24;
    match payload.first()? & 0x1f {
        SPS => read(&payload[1..]),
        STAP_A => {
            let mut rest = payload.get(1..)?;
            while let [high, low, unit @ ..] = rest {
                let (unit, later) = unit.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))?;
                if unit.first()? & 0x1f == SPS {
                    return read(&unit[1..]);
                }
                rest = later;
            }
            None
        }
        _ => None,
    }
}

fn read(unit: &[u8]) -> Option<(u16, u16)> {
    // Behind two zeros stands a 3 that means nothing, so that no start code can occur.
    let mut bytes = Vec::with_capacity(unit.len().min(64));
    for byte in unit.iter().take(64) {
        if *byte != 3 || !bytes.ends_with(&[0, 0]) {
            bytes.push(*byte);
        }
    }
    // The profile, its constraints and the level.
    let mut bits = Bits { bytes: bytes.get(3..)?, at: 0 };
    let _id = bits.number()?;
    let _frame_number_bits = bits.number()?;
    match bits.number()? {
        0 => drop(bits.number()?),
        1 => {
            bits.bit()?;
            bits.number()?;
            bits.number()?;
            for _ in 0..bits.number()?.min(255) {
                bits.number()?;
            }
        }
        _ => {}
    }
    let _references = bits.number()?;
    let _gaps = bits.bit()?;
    let (width, height) = (bits.number()?.checked_add(1)? * 16, bits.number()?.checked_add(1)? * 16);
    let frames_only = bits.bit()?;
    if !frames_only {
        bits.bit()?;
    }
    let (rows, _direct) = (if frames_only { 1 } else { 2 }, bits.bit()?);
    let cut = if bits.bit()? { [bits.number()?, bits.number()?, bits.number()?, bits.number()?] } else { [0; 4] };
    // Colour has half the resolution, so what is cut off is told in twos.
    let less = |whole: u32, cut: u32| u16::try_from(whole.checked_sub(cut)?).ok();
    let width = less(width, (cut[0].checked_add(cut[1])?).checked_mul(2)?)?;
    let height = less(height.checked_mul(rows)?, (cut[2].checked_add(cut[3])?).checked_mul(2 * rows)?)?;
    Some((width, height))
}

/// Reads bit by bit.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// An unsigned Exp-Golomb number; none is larger than sixteen bits here.
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 16 {
                return None;
            }
        }
        let mut value = 1;
        for _ in 0..zeros {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A parameter set as an encoder of baseline writes it: pictures of so many blocks, and so many twos cut off below.
    fn parameter_set(width: u32, height: u32, cut: u32) -> Vec<u8> {
        let mut bits = Vec::new();
        let golomb = |bits: &mut Vec<bool>, value: u32| {
            let length = (value + 1).ilog2();
            bits.extend((0..length).map(|_| false));
            bits.extend((0..=length).rev().map(|at| (value + 1) >> at & 1 == 1));
        };
        for value in [0, 0, 2, 1] {
            golomb(&mut bits, value);
        }
        bits.push(false);
        golomb(&mut bits, width - 1);
        golomb(&mut bits, height - 1);
        bits.extend([true, true, cut > 0]);
        if cut > 0 {
            for value in [0, 0, 0, cut] {
                golomb(&mut bits, value);
            }
        }
        bits.push(false);
        bits.push(true);
        let mut bytes = vec![0x67, 0x42, 0xe0, 0x1f];
        bytes.extend(
            bits.chunks(8)
                .map(|byte| byte.iter().enumerate().fold(0, |all, (at, bit)| all | u8::from(*bit) << (7 - at))),
        );
        bytes
    }

    #[test]
    fn a_parameter_set_names_the_size_bare_or_in_an_aggregate() {
        assert_eq!(size(&parameter_set(40, 30, 0)), Some((640, 480)));
        let high = parameter_set(80, 45, 0);
        assert_eq!(size(&high), Some((1280, 720)));
        assert_eq!(size(&parameter_set(20, 12, 6)), Some((320, 180)), "180 is no multiple of 16");
        let length = u8::try_from(high.len()).expect("short");
        let aggregate = [&[0x78, 0, 2, 0x09, 0xf0, 0, length][..], &high, &[0, 2, 0x68, 0xce]].concat();
        assert_eq!(size(&aggregate), Some((1280, 720)));
        assert_eq!(size(&[0x65, 1, 2]), None, "a picture itself");
    }

    #[test]
    fn a_byte_that_breaks_up_zeros_is_no_part_of_it() {
        let unit = [0x67, 0x42, 0, 0, 3, 0x1f];
        assert_eq!(size(&unit), None, "the level is the last byte, and nothing follows");
    }

    proptest! {
        #[test]
        fn no_bytes_cause_a_panic(payload in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = size(&payload);
            let _ = size(&[&[0x67][..], &payload].concat());
        }
    }
}
