//! Networks that change, break, or are not what they claim.

use tokio::net::UdpSocket;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaState, Permit, RelayMode};

use super::client::PATIENCE;
use super::stage::{Stage, impatient};
use super::turn::{message, message_of};

#[tokio::test]
async fn an_ice_restart_pauses_media_for_less_than_a_second() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    let (mut at_a, mut at_b) = (a.packets_of(2, Video, 10).await, b.packets_of(1, Video, 10).await);
    let former = b.server_ufrag.clone();

    b.connection.restart_ice().await.expect("restarts");
    stage.negotiate(&mut b, false).await;
    b.connected().await;
    assert_ne!(b.server_ufrag, former, "both sides take new credentials");
    for (client, other, packets) in [(&mut a, 2, &mut at_a), (&mut b, 1, &mut at_b)] {
        packets.extend(client.arrived().into_iter().filter(|packet| packet.kind == Video));
        packets.extend(client.packets_of(other, Video, 50).await);
        // Ten milliseconds each. The crate's own client sends nothing until its new pair is nominated.
        // What was asked for again comes later, and is no news of the pause.
        let (mut newest, mut lost) = (packets[0].sequence, 0);
        for packet in packets.iter() {
            let ahead = packet.sequence.wrapping_sub(newest);
            if (1..0x8000).contains(&ahead) {
                lost += ahead - 1;
                newest = packet.sequence;
            }
        }
        assert!(lost < 100, "{} lost {lost} packets", client.name);
    }
    assert_eq!(stage.relay.connections(), 2);
    stage.strike().await;
}

#[tokio::test]
async fn a_silent_participant_is_interrupted_then_closed_and_may_come_back() {
    let mut stage = Stage::with(impatient);
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let b = stage.join(2, RelayMode::Conference, 1).await;
    a.packets_of(2, Video, 5).await;
    b.vanish().await;
    stage.state(2, MediaState::Interrupted).await;
    stage.state(2, MediaState::Closed).await;
    assert_eq!(stage.relay.connections(), 1);

    let mut b = stage.bring(2, 1).await;
    a.packets_of(2, Video, 5).await;
    b.packets_of(1, Video, 5).await;
    stage.strike().await;
}

#[tokio::test]
async fn whoever_never_connects_is_closed() {
    let mut stage = Stage::with(impatient);
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = super::client::Client::new(2, 1, &stage.browsers).await;
    let sdp = b.offer().await;
    stage.admit(2, Permit::ALL).await;
    stage.offer(2, true, sdp).await.expect("an answer");
    stage.state(2, MediaState::Interrupted).await;
    stage.state(2, MediaState::Closed).await;
    assert!(a.arrived().is_empty());
    b.vanish().await;
    stage.strike().await;
}

#[tokio::test]
async fn a_strangers_datagrams_do_nothing() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    let relay = stage.relay.local_addr().expect("bound");
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").expect("binds");
    stranger.set_nonblocking(true).expect("a socket that does not wait");

    // A request for a name that exists, sealed with nothing and with the wrong password.
    let ufrag = b.server_ufrag.clone();
    let username = format!("{ufrag}:{ufrag}");
    let mut forged = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    forged.extend([7; 12]);
    forged.extend([0, 6, 0, u8::try_from(username.len()).expect("short")]);
    forged.extend(username.as_bytes());
    forged.resize(forged.len().next_multiple_of(4), 0);
    let unsealed = with_length(&forged);
    let mut sealed = forged.clone();
    sealed.extend([0, 0x25, 0, 0, 0, 8, 0, 20]);
    sealed.extend([9; 20]);
    let sealed = with_length(&sealed);
    let dropped = |stage: &Stage| {
        ["stranger", "forged"]
            .map(|cause| stage.counted(&format!("relay_datagrams_dropped_total{{cause=\"{cause}\"}}")))
    };
    let before = dropped(&stage);
    let mut noise: u64 = 1;
    for length in 0..600_usize {
        let bytes: Vec<u8> = (0..length * 3 % 1600)
            .map(|_| {
                noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (noise >> 33).to_le_bytes()[0]
            })
            .collect();
        for bytes in [&bytes, &unsealed, &sealed] {
            assert_eq!(stranger.send_to(bytes, relay).expect("sent"), bytes.len());
        }
        // The kernel keeps a few hundred of them until they are read; what is sent after them is read after them.
        if length % 20 == 19 {
            a.arrived();
            a.packets_of(2, Video, 2).await;
        }
    }
    a.arrived();
    a.packets_of(2, Video, 20).await;
    b.packets_of(1, Audio, 20).await;
    let mut buffer = [0; 2048];
    assert!(stranger.recv(&mut buffer).is_err(), "not even an answer");
    let [strangers, forged] = dropped(&stage);
    assert_eq!(forged - before[1], 1_200, "every one was read, and none was right");
    assert!(strangers - before[0] >= 600, "{strangers} of 600 and {} before", before[0]);
    assert_eq!(stage.relay.connections(), 2);
    stage.strike().await;
}

#[tokio::test]
async fn media_moves_only_to_an_address_where_the_browser_itself_answered() {
    const NOMINATES: u16 = 0x25;
    const SUCCESS: u16 = 0x101;
    let mut stage = Stage::new();
    let _a = stage.join(1, RelayMode::Conference, 1).await;
    let mut b = stage.join(2, RelayMode::Conference, 1).await;
    b.packets_of(1, Video, 5).await;
    let relay = stage.relay.local_addr().expect("bound");
    // Somebody who never asked for anything, in whose name the second participant speaks.
    let victim = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let username = format!("{}:{}", b.server_ufrag, b.ufrag);
    let attributes: [(u16, &[u8]); 2] = [(6, username.as_bytes()), (NOMINATES, &[])];
    let mut questions = Vec::new();
    let mut buffer = [0; 2048];
    for number in 0..20 {
        let forged = message(1, number, &attributes, Some(b.server_password.as_bytes()));
        victim.send_to(&forged, relay).await.expect("sent");
        b.packets_of(1, Video, 5).await;
        let mut bytes = 0;
        while let Ok(length) = victim.try_recv(&mut buffer) {
            assert!(buffer[0] < 4, "an answer or a question, and no media");
            bytes += length;
            if buffer[..2] == [0, 1] {
                questions.push(buffer[8..20].to_vec());
            }
        }
        assert!(bytes < forged.len() * 3, "{bytes} for {}", forged.len());
    }
    let asked = questions.pop().expect("it was asked");
    assert!(questions.iter().all(|question| *question == asked));

    // Who answers under a password that is not the browser's is not the browser.
    let success = |key: &[u8]| message_of(SUCCESS, &asked, &[], Some(key));
    victim.send_to(&success(b"another password, as long"), relay).await.expect("sent");
    b.packets_of(1, Video, 10).await;
    assert!(victim.try_recv(&mut buffer).is_err(), "nothing came");
    victim.send_to(&success(b.password.as_bytes()), relay).await.expect("sent");
    let moved = async { while victim.recv(&mut buffer).await.is_err() || buffer[0] < 128 {} };
    tokio::time::timeout(PATIENCE, moved).await.expect("it was the browser, on another network");
    stage.strike().await;
}

#[tokio::test]
async fn at_shutdown_every_task_ends_at_once() {
    let mut stage = Stage::new();
    let _a = stage.join(1, RelayMode::Conference, 1).await;
    let _b = stage.join(2, RelayMode::Loopback, 1).await;
    let began = tokio::time::Instant::now();
    stage.strike().await;
    assert!(began.elapsed() < PATIENCE / 3);
}

fn with_length(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    let length = u16::try_from(message.len() - 20).expect("short");
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message
}
