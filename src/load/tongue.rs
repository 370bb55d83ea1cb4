//! A picture of a tongue that nobody has: drawn, and written as a PNG without compression.

/// Its size in pixels.
const WIDTH: u32 = 400;
const HEIGHT: u32 = 300;
/// A block of bytes that are not compressed holds so many at most (RFC 1951, section 3.2.4).
const BLOCK: usize = 65_535;

/// The picture of person `number`: each has another shade, and a coat of another thickness.
pub(super) fn picture(number: usize) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..HEIGHT {
        // No filter.
        rows.push(0);
        for x in 0..WIDTH {
            rows.extend(shade(number, x, y));
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&WIDTH.to_be_bytes()[..], &HEIGHT.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    for (kind, data) in [(b"IHDR", head), (b"IDAT", stored(&rows)), (b"IEND", Vec::new())] {
        let named = [&kind[..], &data].concat();
        png.extend(u32::try_from(data.len()).expect("less than a megabyte").to_be_bytes());
        png.extend(&named);
        png.extend(crc(&named).to_be_bytes());
    }
    png
}

/// Red, green and blue: lips around a mouth, in it the tongue with a furrow and a coat towards the root.
fn shade(number: usize, x: u32, y: u32) -> [u8; 3] {
    let number = i64::try_from(number % 4).expect("below four");
    let (x, y) = (i64::from(x) - 200, i64::from(y));
    let within =
        |cx: i64, cy: i64, rx: i64, ry: i64| ((x - cx) * ry).pow(2) + ((y - cy) * rx).pow(2) <= (rx * ry).pow(2);
    // A grain as a skin has, so that the picture is sharp.
    let grain = (x * 7 + y * 13 + x * y % 11).rem_euclid(9) - 4;
    let [red, green, blue] = if within(0, 170, 92, 120) {
        let furrow = if x.abs() < 3 && y > 90 { 22 } else { 0 };
        let coat = if within(0, 110, 62, 60 + 10 * number) { 26 + 6 * number } else { 0 };
        [204 - 6 * number - furrow, 104 + coat - furrow, 108 + coat - furrow]
    } else if within(0, 130, 120, 105) {
        [70, 22, 26]
    } else if within(0, 130, 142, 128) {
        [186, 92, 96]
    } else {
        [226, 188, 166]
    };
    [red, green, blue].map(|value| u8::try_from((value + grain).clamp(0, 255)).expect("clamped to a byte"))
}

/// A stream of zlib (RFC 1950) whose blocks are not compressed.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let count = bytes.len().div_ceil(BLOCK);
    for (at, block) in bytes.chunks(BLOCK).enumerate() {
        let length = u16::try_from(block.len()).expect("a chunk is no longer");
        stream.push(u8::from(at + 1 == count));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}

/// The checksum of a chunk (PNG, annex D).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_takes_the_picture_as_it_is() {
        for number in 0..4 {
            let drawn = picture(number);
            assert_eq!(crate::domain::picture::clean(&drawn), Some(("image/png", drawn.clone())));
            assert_ne!(drawn, picture(number + 1));
        }
    }

    #[test]
    fn the_sums_are_those_of_the_standards() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        // RFC 1950, section 9, of the word that everybody sums.
        assert_eq!(stored(b"Wikipedia")[16..], 0x11e6_0398_u32.to_be_bytes());
    }
}
