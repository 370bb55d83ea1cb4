//! Damaged messages of the live protocol.

use yunzhen::protocol::live::ClientMessage;
use yunzhen::protocol::parse::parse;

#[path = "../../../fuzz/replay.rs"]
mod replaying;

#[test]
fn no_message_of_the_live_protocol_causes_a_panic() {
    replaying::replay("signaling", |bytes| drop(parse::<ClientMessage>(bytes)));
}
