//! Who may read a record, and for which purpose.
