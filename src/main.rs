//! The one binary: arguments, then the library.

fn main() {}
