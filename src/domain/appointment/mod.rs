//! An appointment: a place in a doctor's time, and what becomes of it.
