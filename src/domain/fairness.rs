//! The queue of a day replayed: who was called before whom, and by which rule.
