//! Texts that a doctor inserts by an act.
