//! Herbs: their names, their ranges, what they may not be given with.
