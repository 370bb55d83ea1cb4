//! A malformed participant never affects another's call.

use std::net::UdpSocket;

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{Permit, RelayMode};

use super::stage::Stage;

#[tokio::test]
async fn a_participant_that_sends_garbage_of_every_kind_costs_the_others_not_one_packet() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    a.packets_of(2, Video, 5).await;
    b.packets_of(1, Video, 5).await;

    stage.admit(3, Permit::ALL).await;
    let good = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    for sdp in [String::new(), "\0\0".into(), "m=".repeat(30_000), good.into(), format!("{good}m=video 9 x 96\r\n")] {
        assert!(stage.offer(3, true, sdp).await.is_err(), "no description is made of this");
    }
    let (stranger, port) = (UdpSocket::bind("127.0.0.1:0").unwrap(), stage.relay.local_addr().unwrap());
    for round in 0..2_000_u32 {
        // STUN with a lie in its length, DTLS, RTP, RTCP, and what is none of them.
        for first in [0x00_u8, 0x16, 0x80, 0x81, 0xff] {
            let mut bytes = [first; 64];
            bytes[1..5].copy_from_slice(&round.wrapping_mul(0x9e37_79b9).to_be_bytes());
            let _ = stranger.send_to(&bytes[..=(round as usize) % 64], port);
        }
    }

    for (client, other) in [(&mut a, 2), (&mut b, 1)] {
        for kind in [Audio, Video] {
            let packets = client.packets_of(other, kind, 100).await;
            let numbers: Vec<_> = packets.iter().map(|packet| packet.sequence).collect();
            assert!(numbers.windows(2).all(|two| two[1] == two[0].wrapping_add(1)), "{kind:?}: {numbers:?}");
        }
    }
    a.vanish().await;
    b.vanish().await;
    stage.strike().await;
}
