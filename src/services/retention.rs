//! What goes when its time is over.
