//! Prescriptions: what they hold, whether one may exist, and what becomes of it.
