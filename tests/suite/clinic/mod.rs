//! The clinic from its doors: HTTP and WebSocket against a whole server in this process, on a clock that stands still.

mod admission;
mod calling;
mod live;
mod record;
mod stage;
