//! How long what is kept, and what may go.
