//! What may not pass does not pass: counted on the wire, in real packets through the real relay.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaKind, Permit, RelayCommand, RelayEvent, RelayMode, SourceName};

use super::client::{Client, Received};
use super::stage::{Stage, participant};
use super::watched::Seen;

/// What is written into packets that are sent after the answer: not one of them may arrive. What was under way before may
/// still be read later, by however busy a machine. The figures are in docs/BENCHMARKS.md.
const AFTER: u8 = 1;

/// From then on a change holds, whatever was under way.
const PROMPTLY: Duration = Duration::from_millis(50);

/// Sets what passes for `name`; how long it took until the relay said so.
async fn permit(stage: &mut Stage, name: u8, permit: Permit) -> Duration {
    let (asked, whose) = (Instant::now(), participant(name));
    stage.send(RelayCommand::Permit { participant: whose, permit }).await;
    stage.event(|event| (*event == RelayEvent::Permitted { participant: whose }).then_some(())).await;
    asked.elapsed()
}

/// Reads everything that reaches `client` for `span`, with the moment of each.
async fn listen(client: &mut Client, span: Duration) -> Vec<(Duration, Received)> {
    let began = Instant::now();
    let mut all = Vec::new();
    while let Some(left) = span.checked_sub(began.elapsed()) {
        match tokio::time::timeout(left, client.next()).await {
            Ok(packet) => all.push((began.elapsed(), packet)),
            Err(_) => break,
        }
    }
    all
}

/// Nothing forbidden arrived that was sent after the answer; when the last came that was under way.
fn last(packets: &[(Duration, Received)], forbidden: impl Fn(&Received) -> bool) -> Duration {
    let all = || packets.iter().filter(|(_, packet)| forbidden(packet));
    assert_eq!(all().filter(|(_, packet)| packet.mark == AFTER).count(), 0, "sent after the answer");
    all().map(|(at, _)| *at).max().unwrap_or_default()
}

async fn three(stage: &mut Stage) -> [Client; 3] {
    let mut clients = [
        stage.join(1, RelayMode::Conference, 2).await,
        stage.join(2, RelayMode::Conference, 2).await,
        stage.join(3, RelayMode::Conference, 2).await,
    ];
    for client in &mut clients {
        let name = client.name;
        for other in (1..=3).filter(|other| *other != name) {
            client.packets_of(other, Audio, 3).await;
            client.packets_of(other, Video, 3).await;
        }
    }
    clients
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_participant_is_heard_by_nobody_from_the_answer_on_and_still_seen() {
    let mut stage = Stage::new();
    let [a, mut b, mut c] = three(&mut stage).await;
    b.arrived();
    c.arrived();
    let took = permit(&mut stage, 1, Permit { audio: false, ..Permit::ALL }).await;
    a.mark(AFTER);
    let (at_b, at_c) = tokio::join!(listen(&mut b, Duration::from_secs(1)), listen(&mut c, Duration::from_secs(1)));
    for packets in [&at_b, &at_c] {
        let end = last(packets, |packet| packet.sender == 1 && packet.kind == Audio);
        println!("FIGURE revocation of sound: answered after {took:?}, last packet {end:?} after the answer");
        let goes_on = |kind, sender| packets.iter().filter(|(_, p)| p.kind == kind && p.sender == sender).count() > 20;
        assert!(packets.iter().any(|(_, p)| p.mark == AFTER), "what is sent after the answer is marked");
        assert!(goes_on(Video, 1), "the picture goes on");
        assert!(packets.iter().any(|(_, p)| p.kind == Audio && p.sender != 1), "others are heard");
    }
    permit(&mut stage, 1, Permit::ALL).await;
    b.packets_of(1, Audio, 10).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_held_apart_neither_gets_nor_gives_a_packet_and_comes_back_with_a_whole_picture() {
    let mut stage = Stage::new();
    let [mut a, mut b, mut c] = three(&mut stage).await;
    for client in [&mut a, &mut b, &mut c] {
        client.arrived();
    }
    let took = permit(&mut stage, 1, Permit::NOTHING).await;
    for client in [&a, &b, &c] {
        client.mark(AFTER);
    }
    let span = Duration::from_secs(1);
    let (at_a, at_b, at_c) = tokio::join!(listen(&mut a, span), listen(&mut b, span), listen(&mut c, span));
    let end = last(&at_a, |_| true).max(last(&at_b, |p| p.sender == 1)).max(last(&at_c, |p| p.sender == 1));
    println!("FIGURE holding apart: answered after {took:?}, last packet {end:?} after the answer");
    assert!(at_b.iter().filter(|(_, p)| p.sender == 3).count() > 20, "the others go on");
    stage.slots(1, |slots, _| slots.is_empty()).await;
    stage.slots(2, |slots, _| slots.iter().all(|slot| slot.source == participant(3))).await;

    let asked = Instant::now();
    permit(&mut stage, 1, Permit::ALL).await;
    assert!(a.packets_of(2, Video, 1).await[0].is_keyframe, "the first picture is a whole one");
    println!("FIGURE release: the first picture {:?} after the command", asked.elapsed());
    b.packets_of(1, Audio, 5).await;
    b.packets_of(1, Video, 5).await;
    stage.strike().await;
}

/// The streams in which somebody reaches a browser now.
async fn streams(client: &mut Client, sender: u8, kinds: &[MediaKind]) -> HashSet<u32> {
    let mut streams = HashSet::new();
    for kind in kinds {
        streams.extend(client.packets_of(sender, *kind, 3).await.iter().map(|packet| packet.ssrc));
    }
    streams
}

/// Nothing of what is counted here was marked when it was sent: whatever the relay still held counts, and what is sent again.
/// Packets are dated by the kernel of whoever receives them, so that a reader whom the machine lets wait finds nothing late.
#[tokio::test(flavor = "multi_thread")]
async fn from_fifty_milliseconds_after_the_answer_on_the_wire_carries_nothing_that_is_forbidden() {
    let mut stage = Stage::new();
    let mut sees = Vec::new();
    let mut clients = Vec::new();
    for name in [1, 2] {
        stage.admit(name, Permit::ALL).await;
        let (client, seen) = Client::watched(name, 2, &stage.browsers).await;
        clients.push(stage.seat(client).await);
        sees.push(seen);
    }
    let _c = stage.join(3, RelayMode::Conference, 2).await;
    let [a, b] = &mut clients[..] else { unreachable!("two were pushed") };
    let [at_a, at_b] = &sees[..] else { unreachable!("two were pushed") };
    a.packets_of(3, Audio, 3).await;
    let (sound, picture) = (streams(b, 1, &[Audio]).await, streams(b, 1, &[Video]).await);
    let others = streams(b, 3, &[Audio, Video]).await;
    let span = Duration::from_secs(1);

    permit(&mut stage, 1, Permit { audio: false, ..Permit::ALL }).await;
    let from = Seen::now() + PROMPTLY;
    tokio::join!(listen(a, span), listen(b, span));
    assert_eq!(at_b.after(from, Some(&sound)), 0, "muted");
    assert!(at_b.after(from, Some(&picture)) > 20, "the picture goes on, and is seen on the wire");

    permit(&mut stage, 1, Permit::ALL).await;
    let all = streams(b, 1, &[Audio, Video]).await;
    permit(&mut stage, 1, Permit::NOTHING).await;
    let from = Seen::now() + PROMPTLY;
    tokio::join!(listen(a, span), listen(b, span));
    assert_eq!((at_b.after(from, Some(&all)), at_a.after(from, None)), (0, 0), "held apart, both ways");
    assert!(at_b.after(from, Some(&others)) > 20, "the others go on");

    permit(&mut stage, 1, Permit::ALL).await;
    let all = streams(b, 1, &[Audio, Video]).await;
    a.packets_of(3, Audio, 3).await;
    stage.send(RelayCommand::Remove { participant: participant(1) }).await;
    // A removal has no answer of its own; what is commanded behind it has.
    permit(&mut stage, 2, Permit::ALL).await;
    let from = Seen::now() + PROMPTLY;
    tokio::join!(listen(a, span), listen(b, span));
    assert_eq!((at_b.after(from, Some(&all)), at_a.after(from, None)), (0, 0), "removed");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_receives_all_and_nothing_of_theirs_ever_passes() {
    let mut stage = Stage::new();
    // Said with the seat, so that there is no moment before it.
    stage.admit(9, Permit { receive: true, ..Permit::NOTHING }).await;
    let mut observer = stage.bring(9, 2).await;
    let mut other = stage.join(1, RelayMode::Conference, 2).await;
    observer.packets_of(1, Audio, 20).await;
    observer.packets_of(1, Video, 20).await;
    assert!(other.arrived().is_empty(), "not one packet of an observer passes");
    stage.slots(1, |slots, missing| slots.is_empty() && missing == (0, 0)).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_removal_nothing_passes_from_or_to_the_removed() {
    let mut stage = Stage::new();
    let [mut a, mut b, mut c] = three(&mut stage).await;
    for client in [&mut a, &mut b, &mut c] {
        client.arrived();
    }
    let asked = Instant::now();
    stage.send(RelayCommand::Remove { participant: participant(1) }).await;
    // A removal is answered by the change of the others' slots.
    stage.slots(2, |slots, _| slots.iter().all(|slot| slot.source == participant(3))).await;
    let took = asked.elapsed();
    for client in [&a, &b, &c] {
        client.mark(AFTER);
    }
    let span = Duration::from_millis(500);
    let (at_a, at_b, at_c) = tokio::join!(listen(&mut a, span), listen(&mut b, span), listen(&mut c, span));
    let end = last(&at_a, |_| true).max(last(&at_b, |p| p.sender == 1)).max(last(&at_c, |p| p.sender == 1));
    println!("FIGURE removal: answered after {took:?}, last packet {end:?} after the answer");
    stage.strike().await;
}

#[tokio::test]
async fn slots_say_what_each_section_is_of() {
    let mut stage = Stage::new();
    let _a = stage.join(1, RelayMode::Conference, 2).await;
    let _b = stage.join(2, RelayMode::Conference, 2).await;
    let slots = stage.slots(1, |slots, _| slots.len() == 2).await;
    let name = |kind| slots.iter().find(|slot| slot.kind == kind).map(|slot| slot.name);
    assert_eq!((name(Audio), name(Video)), (Some(SourceName::Microphone), Some(SourceName::Camera)));
    assert_eq!(SourceName::of(Video, 1), Some(SourceName::Screen), "the second picture of somebody is their screen");
    stage.strike().await;
}
