//! A visit as a sealed export.
