//! The store's contract: one file for each file of `src/store/`, each test on both databases.

mod house;
mod intake;
mod parity;
