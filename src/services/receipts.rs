//! The fair-queue receipt.
