//! What a visit costs: yuan with at most two places, kept in fen.

/// The most that a visit may cost, in fen: what is above is a slip of the pen.
const MOST: i64 = 10_000_000;

/// The fen of a price in yuan such as `50` or `12.5`; nothing of a price that nobody can pay.
pub fn fen_of(yuan: &str) -> Option<i64> {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    let fen = whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)?;
    (fen <= MOST).then_some(fen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_are_read_to_the_fen() {
        for (yuan, fen) in [("0", 0), ("50", 5000), ("12.5", 1250), ("12.05", 1205), ("100000", MOST)] {
            assert_eq!(fen_of(yuan), Some(fen), "{yuan}");
        }
    }

    #[test]
    fn what_is_no_price_is_none() {
        for text in ["", ".", "5.", ".5", "-5", "+5", "1e3", "5.123", "５", "100000.01", "99999999999999999999"] {
            assert_eq!(fen_of(text), None, "{text}");
        }
    }
}
