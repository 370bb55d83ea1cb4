//! Bytes as hexadecimal digits.

/// Lower case.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// The bytes of hexadecimal digits of either case; nothing where a digit is none, or half a byte is left.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pair = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
    let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (plain && text.len().is_multiple_of(2)).then(|| text.as_bytes().chunks(2).map(pair).collect())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back_from_its_digits() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
    }

    #[test]
    fn half_a_byte_a_sign_and_a_letter_are_no_digits() {
        for wrong in ["0", "+1", "0x", "é", "zz"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }
}
