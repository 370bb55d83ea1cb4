//! A malformed participant never affects another's call.

use std::net::UdpSocket;

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{Permit, RelayMode};

use super::client::{Client, Received};
use super::stage::Stage;
use super::vandal::Deed;

#[tokio::test]
async fn a_participant_that_sends_garbage_of_every_kind_costs_the_others_not_one_packet() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    a.packets_of(2, Video, 5).await;
    b.packets_of(1, Video, 5).await;

    stage.admit(3, Permit::ALL).await;
    let (mut bad, vandal) = Client::vandalised(3, 2, &stage.browsers).await;
    stage.negotiate(&mut bad, true).await;
    bad.connected().await;
    a.packets_of(3, Video, 5).await;
    let good = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
    for sdp in [String::new(), "\0\0".into(), "m=".repeat(30_000), good.into(), format!("{good}m=video 9 x 96\r\n")] {
        assert!(stage.offer(3, true, sdp).await.is_err(), "no description is made of this");
    }
    // STUN with a lie in its length, DTLS, RTP, RTCP, and what is none of them.
    let kinds = [0x00_u8, 0x16, 0x80, 0x81, 0xff];
    let garbage = |round: u32, first: u8| {
        let mut bytes = [first; 64];
        bytes[1..5].copy_from_slice(&round.wrapping_mul(0x9e37_79b9).to_be_bytes());
        bytes[..=(round as usize) % 64].to_vec()
    };
    // From the address of its own connection, where it is read, and from another.
    let (mut by_a, mut by_b) = (Heard::default(), Heard::default());
    vandal.does((0..64).flat_map(|round| kinds.map(|first| Deed::Bare(garbage(round, first))))).await;
    by_a.until(&mut a, 2).await;
    by_b.until(&mut b, 1).await;
    by_a.has_no_gap(2);
    by_b.has_no_gap(1);
    a.packets_of(3, Video, 20).await;
    let (stranger, port) = (UdpSocket::bind("127.0.0.1:0").unwrap(), stage.relay.local_addr().unwrap());
    for round in 0..2_000_u32 {
        for first in kinds {
            stranger.send_to(&garbage(round, first), port).unwrap();
        }
    }

    for (client, other) in [(&mut a, 2), (&mut b, 1)] {
        for kind in [Audio, Video] {
            let packets = client.packets_of(other, kind, 100).await;
            let numbers: Vec<_> = packets.iter().map(|packet| packet.sequence).collect();
            assert!(numbers.windows(2).all(|two| two[1] == two[0].wrapping_add(1)), "{kind:?}: {numbers:?}");
        }
    }
    for client in [a, b, bad] {
        client.vanish().await;
    }
    stage.strike().await;
}

/// What one of the others has received, and whether it is whole.
#[derive(Default)]
struct Heard(Vec<Received>);

impl Heard {
    /// Takes what has come, until a packet of `wanted`'s camera is among what came now.
    async fn until(&mut self, client: &mut Client, wanted: u8) {
        self.0.append(&mut client.arrived());
        loop {
            let packet = client.next().await;
            let is_wanted = packet.sender == wanted && packet.kind == Video;
            self.0.push(packet);
            if is_wanted {
                return;
            }
        }
    }

    fn has_no_gap(&self, sender: u8) {
        for kind in [Audio, Video] {
            let of = |packet: &&Received| packet.sender == sender && packet.kind == kind;
            let numbers: Vec<_> = self.0.iter().filter(of).map(|packet| packet.sequence).collect();
            assert!(numbers.len() > 100, "{kind:?}: a call that went on");
            assert!(numbers.windows(2).all(|two| two[1] == two[0].wrapping_add(1)), "{kind:?}: {numbers:?}");
        }
    }
}

#[tokio::test]
async fn a_participant_that_breaks_packets_under_its_own_keys_costs_the_others_not_one_and_itself_only_those() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    stage.admit(3, Permit::ALL).await;
    let (mut bad, vandal) = Client::vandalised(3, 2, &stage.browsers).await;
    stage.negotiate(&mut bad, true).await;
    bad.connected().await;
    let (mut by_a, mut by_b) = (Heard::default(), Heard::default());
    by_a.until(&mut a, 3).await;
    by_b.until(&mut b, 3).await;
    by_a.0.clear();
    by_b.0.clear();
    a.packets_of(2, Video, 1).await;
    a.packets_of(2, Audio, 1).await;

    for (what, deeds) in packets().into_iter().chain(reports(&bad.legs())) {
        let (before, count) = (vandal.sealed(), deeds.len());
        vandal.does(deeds).await;
        println!("{what}: {count}, of which sealed: {}", vandal.sealed() - before);
        by_a.until(&mut a, 3).await;
        by_b.until(&mut b, 3).await;
        by_b.until(&mut b, 1).await;
        by_a.until(&mut a, 2).await;
    }

    by_a.has_no_gap(2);
    by_b.has_no_gap(1);
    assert!(vandal.sealed() > 300, "most of it was read behind its seal: {}", vandal.sealed());
    assert_eq!(stage.relay.connections(), 3);
    for client in [a, b, bad] {
        client.vanish().await;
    }
    stage.strike().await;
}

/// Broken packets: of the head, of its extensions, of the padding, of the picture.
fn packets() -> Vec<(&'static str, Vec<Deed>)> {
    /// Another first byte, another payload type's byte, and what follows the twelve bytes of the head.
    fn packet(first: u8, second: Option<u8>, rest: &[u8]) -> Deed {
        let rest = rest.to_vec();
        Deed::Packet(Box::new(move |open| {
            let mut broken = [&open[..12], &rest].concat();
            broken[0] = first;
            broken[1] = second.unwrap_or(open[1]);
            broken
        }))
    }
    fn cut(length: usize) -> Deed {
        Deed::Packet(Box::new(move |open| open[..length].to_vec()))
    }
    let picture = [0x10, 0x51, 3];
    let extended = |profile: u16, words: u16, body: &[u8]| {
        let head = [profile.to_be_bytes(), words.to_be_bytes()].concat();
        packet(0x90, None, &[&head[..], body].concat())
    };
    let descriptors: [&[u8]; 14] = [
        &[],
        &[0x80],
        &[0x90],
        &[0x90, 0x80],
        &[0x90, 0x80, 0x80],
        &[0x90, 0x80, 0xff],
        &[0x90, 0xff],
        &[0x90, 0xff, 0xff, 0xff],
        &[0x90, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x90, 0x40],
        &[0x90, 0x20],
        &[0x90, 0x10, 0xff],
        &[0x10, 0x50, 0, 0, 0x9d],
        &[0xff; 1_400],
    ];
    vec![
        ("versions", [0x00, 0x40, 0xc0].map(|first| packet(first, None, &picture)).into()),
        ("packets cut short", [0, 1, 2, 4, 8, 11, 12, 13].map(cut).into()),
        ("sources that are not there", (0x81..0x90).map(|first| packet(first, None, &picture)).collect()),
        (
            "extensions longer than their packet",
            vec![
                extended(0xbede, 0xffff, &picture),
                extended(0xbede, 1, &[]),
                extended(0x1000, 0x4000, &[1, 200, 0, 0]),
                packet(0x90, None, &[0xbe]),
                packet(0x90, None, &[]),
                packet(0x9f, None, &[0; 60]),
            ],
        ),
        (
            "extensions with a lie inside",
            vec![
                extended(0xbede, 1, &[0x1f, 0, 0, 0, 0x10, 0x51, 3]),
                extended(0xbede, 1, &[0xff, 0xff, 0xff, 0xff, 0x10, 0x51, 3]),
                extended(0xbede, 1, &[0, 0, 0, 0x3f]),
                extended(0x1000, 1, &[7, 255, 0, 0, 0x10, 0x51, 3]),
                extended(0x1000, 1, &[0, 0, 0, 7]),
                extended(0x100f, 2, &[9, 6, 0, 0, 0, 0, 0, 3, 0x10, 0x51, 3]),
                extended(0x4242, 1, &[9, 9, 9, 9, 0x10, 0x51, 3]),
                extended(0xbede, 0, &[]),
            ],
        ),
        (
            "extensions of every number with nonsense",
            (1..15)
                .map(|id| extended(0xbede, 2, &[id << 4 | 5, 255, 255, 255, 255, 255, 255, 0, 0x10, 0x51, 3]))
                .collect(),
        ),
        (
            "padding",
            [0, 1, 3, 4, 5, 200, 255]
                .map(|count| packet(0xa0, None, &[0x10, 0x51, 3, count]))
                .into_iter()
                .chain([packet(0xa0, None, &[]), packet(0xa0, None, &[1]), packet(0xa0, None, &[255; 255])])
                .chain([packet(0xb0, None, &[0xbe, 0xde, 0, 1, 0x10, 0, 0, 0, 9])])
                .collect(),
        ),
        ("codecs nobody agreed on", (0..128).step_by(7).map(|number| packet(0x80, Some(number), &picture)).collect()),
        ("descriptors cut short", descriptors.map(|rest| packet(0x80, None, rest)).into()),
        (
            "streams nobody announced",
            (0..64_u32)
                .map(|n| {
                    Deed::Packet(Box::new(move |open| {
                        [&open[..8], &(0xbad0_0000 + n).to_be_bytes(), &open[12..]].concat()
                    }))
                })
                .collect(),
        ),
        ("what is no media", [0_u8, 1, 20, 63, 64, 80, 192, 255].map(|first| Deed::Bare(vec![first; 90])).into()),
    ]
}

/// Broken reports.
fn reports(legs: &[u32]) -> Vec<(&'static str, Vec<Deed>)> {
    /// A report with a count, a type, the length that it claims in words, and a body.
    fn report(count: u8, kind: u8, words: u16, body: &[u8]) -> Vec<u8> {
        [&[0x80 | count, kind][..], &words.to_be_bytes(), body].concat()
    }
    /// The same with its true length.
    fn honest(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
        report(count, kind, u16::try_from(body.len() / 4).unwrap(), body)
    }
    let (me, leg) = (32_u32.to_be_bytes(), legs[0].to_be_bytes());
    let about = |rest: &[u8]| [&me[..], &leg, rest].concat();
    let deeds = |all: Vec<Vec<u8>>| all.into_iter().map(Deed::Report).collect::<Vec<_>>();
    let all_missing = |leg: u32| {
        let pairs: Vec<u8> = (0..340_u16).flat_map(|n| [(n * 17).to_be_bytes(), [0xff; 2]].concat()).collect();
        honest(1, 205, &[&me[..], &leg.to_be_bytes(), &pairs].concat())
    };
    let remb = |sources: u8, rate: [u8; 3], rest: &[u8]| {
        honest(15, 206, &[&me[..], &[0; 4], b"REMB", &[sources], &rate, rest].concat())
    };
    let wide = |base: u16, count: u16, time: [u8; 3], rest: &[u8]| {
        let head = [base.to_be_bytes(), count.to_be_bytes()].concat();
        honest(15, 205, &about(&[&head[..], &time, &[0], rest].concat()))
    };
    // Flipped bits at places that are not random, and not regular either.
    let good = [
        honest(1, 200, &[&me[..], &[0; 20], &leg, &[0; 20]].concat()),
        all_missing(legs[0])[..60].to_vec(),
        remb(1, [0x10, 0xff, 0xff], &leg),
        wide(0, 20, [0; 3], &[0x20, 20, 1, 2, 3, 4, 5, 6]),
        honest(1, 202, &[&me[..], &[1, 4, b'n', b'a', b'm', b'e', 0, 0]].concat()),
    ];
    let flipped = (0..150_usize).map(|n| {
        let mut bytes = good[n % good.len()].clone();
        for k in 0..=n % 3 {
            let at = 2 + (n * 31 + k * 17) % (bytes.len() - 2);
            bytes[at] ^= 1 << ((n + k) % 8);
        }
        bytes
    });
    vec![
        (
            "counts of what is not there",
            deeds(vec![
                report(31, 201, 1, &me),
                report(31, 200, 6, &[&me[..], &[0; 20]].concat()),
                report(31, 202, 1, &me),
                report(31, 203, 1, &me),
                honest(31, 206, &about(&[])),
                honest(4, 206, &about(&[0; 12])),
            ]),
        ),
        (
            "lengths that lie",
            [200, 201, 202, 203, 204, 205, 206, 207, 192, 223]
                .into_iter()
                .flat_map(|kind| [0, 1, 2, 3, 100, 0xffff].map(|words| report(1, kind, words, &about(&[]))))
                .map(Deed::Report)
                .collect(),
        ),
        ("everything is missing", deeds(legs.iter().map(|leg| all_missing(*leg)).cycle().take(40).collect())),
        ("half a wish", deeds(vec![report(1, 205, 3, &about(&[0, 1])), honest(1, 205, &about(&[]))])),
        (
            "bandwidths that cannot be",
            deeds(vec![
                remb(1, [0; 3], &leg),
                remb(1, [0xff; 3], &leg),
                remb(255, [0xff; 3], &leg),
                remb(0, [0xfc, 0, 0], &[]),
                honest(15, 206, &about(b"REM")),
                honest(15, 206, &about(b"XXXX\xff\xff\xff\xff")),
            ]),
        ),
        (
            "arrivals that cannot be",
            deeds(vec![
                wide(0, 0xffff, [0xff; 3], &[0x5f, 0xff]),
                wide(0xffff, 0xffff, [0x7f, 0xff, 0xff], &[0x3f, 0xff, 0x3f, 0xff]),
                wide(0, 14, [0; 3], &[0xff, 0xff]),
                wide(0, 0, [0; 3], &[]),
                wide(0, 8_191, [0x80, 0, 0], &[0x5f, 0xff].repeat(2)),
                wide(
                    100,
                    7,
                    [0; 3],
                    &[&[0xea, 0xaa][..], &[0x80, 0, 0x7f, 0xff, 0x80, 0, 0x7f, 0xff, 0x80, 0]].concat(),
                ),
                honest(15, 205, &about(&[0; 4])),
                honest(15, 205, &about(&[])),
            ]),
        ),
        (
            "farewells in another's name",
            deeds([11_u32, 12, 21, 22, 0].map(|ssrc| honest(1, 203, &ssrc.to_be_bytes())).into()),
        ),
        (
            "descriptions without an end",
            deeds(vec![
                honest(1, 202, &[&me[..], &[1, 255, 1, 1]].concat()),
                honest(2, 202, &[&me[..], &[1, 2, 1, 1]].concat()),
                honest(1, 207, &[&me[..], &[4, 0, 0xff, 0xff]].concat()),
                honest(1, 207, &[&me[..], &[5, 0, 0, 1, 0, 0, 0, 0]].concat()),
            ]),
        ),
        (
            "wishes for pictures, by the hundred",
            deeds((0..100_u32).map(|n| honest(1, 206, &[me, n.to_be_bytes()].concat())).collect()),
        ),
        (
            "a good report and then none",
            deeds(vec![
                [&honest(0, 201, &me)[..], &[0xff; 40]].concat(),
                [&honest(0, 201, &me)[..], &[0x80]].concat(),
                [&honest(0, 201, &me)[..], &[0x00, 201, 0, 1, 0, 0, 0, 0]].concat(),
                [&honest(0, 201, &me)[..], &[0xa0, 201, 0, 1, 0, 0, 0, 255]].concat(),
                [&[0xa0, 201, 0, 1][..], &[0, 0, 0, 0]].concat(),
                honest(0, 201, &me).repeat(150),
            ]),
        ),
        (
            "times at both ends of time",
            deeds([0_u8, 0xff].map(|byte| honest(0, 200, &[&me[..], &[byte; 20]].concat())).into()),
        ),
        ("bits that flipped", flipped.map(Deed::Report).collect()),
    ]
}
