//! What a stranger may send: a walk over the API document that gets every field of every body and message wrong.

mod http;
mod live;
mod schema;
mod signaling;

use schema::{Case, Document};
