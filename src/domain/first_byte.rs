//! What shares a port is told apart by its first byte (RFC 7983, RFC 5761).

/// What a datagram is, or a message of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstByte {
    /// STUN, and the requests of TURN.
    Stun,
    /// DTLS; in a stream TLS.
    Dtls,
    /// The data of a TURN channel. RFC 7983 leaves channels a quarter of these numbers; older clients use all of them.
    Channel,
    /// RTP or RTCP.
    Media,
    /// Nothing of these.
    Other,
}

impl FirstByte {
    /// What begins with this byte.
    pub const fn of(byte: u8) -> Self {
        match byte {
            0..=3 => Self::Stun,
            20..=63 => Self::Dtls,
            64..=127 => Self::Channel,
            128..=191 => Self::Media,
            _ => Self::Other,
        }
    }

    /// What these bytes begin as; `None` of nothing.
    pub const fn of_all(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [first, ..] => Some(Self::of(*first)),
            [] => None,
        }
    }
}

/// RTCP among what is media, by the second byte (RFC 5761, section 4).
pub const fn is_report(bytes: &[u8]) -> bool {
    matches!(bytes, [first, 192..=223, ..] if matches!(FirstByte::of(*first), FirstByte::Media))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_what_shares_a_port() {
        use FirstByte::{Channel, Dtls, Media, Other, Stun};
        // The last byte of each, as the figure of RFC 7983 draws them.
        let figure = [(3, Stun), (19, Other), (63, Dtls), (127, Channel), (191, Media), (255, Other)];
        for byte in 0..=u8::MAX {
            let (_, kind) = figure.iter().find(|(last, _)| byte <= *last).expect("it ends with the last byte");
            assert_eq!(FirstByte::of(byte), *kind, "{byte}");
            assert_eq!(FirstByte::of_all(&[byte, 0]), Some(*kind));
        }
        assert_eq!(FirstByte::of_all(&[]), None);
    }

    #[test]
    fn a_report_is_media_whose_second_byte_no_payload_type_has() {
        assert!(is_report(&[128, 192]) && is_report(&[191, 223, 9]));
        assert!(!is_report(&[128, 191]) && !is_report(&[128, 224]) && !is_report(&[127, 200]) && !is_report(&[128]));
    }
}
