//! For how many days a sheet may be (处方管理办法 Art. 19).

/// Days of an ordinary sheet.
const ORDINARY: u16 = 7;
/// Days of an emergency's sheet.
const URGENT: u16 = 3;
/// Days that no reason opens: a judgement of ours, to be set by the hospital.
const MOST: u16 = 30;

/// Whether a quantity fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// It does.
    Fits,
    /// A long illness may need more; the doctor says why.
    NeedsReason {
        /// The days without a reason.
        limit: u16,
    },
    /// More than any reason opens.
    TooMuch {
        /// The most.
        limit: u16,
    },
}

/// Judges days.
pub fn quantity(days: u16, is_urgent: bool) -> Quantity {
    let limit = if is_urgent { URGENT } else { ORDINARY };
    match days {
        _ if days > MOST => Quantity::TooMuch { limit: MOST },
        _ if days > limit => Quantity::NeedsReason { limit },
        _ => Quantity::Fits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_days_fit_three_in_an_emergency_and_a_month_is_the_end() {
        assert_eq!([quantity(7, false), quantity(3, true)], [Quantity::Fits; 2]);
        assert_eq!(quantity(8, false), Quantity::NeedsReason { limit: 7 });
        assert_eq!(quantity(4, true), Quantity::NeedsReason { limit: 3 });
        assert_eq!(quantity(30, true), Quantity::NeedsReason { limit: 3 });
        assert_eq!(quantity(31, false), Quantity::TooMuch { limit: 30 });
    }
}
