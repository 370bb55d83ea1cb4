//! Appointments: rosters make slots, patients book them, check-in makes tickets.
