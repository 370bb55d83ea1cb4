//! Whether signatures and chains hold.
