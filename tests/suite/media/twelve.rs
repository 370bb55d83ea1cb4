//! A full room: twelve browsers with a camera and a microphone each, over real UDP.

use std::collections::HashSet;

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::{MediaState, OfferRefusal, Permit, RelayCommand};

use super::client::{Client, Received};
use super::stage::{Stage, participant};

const EVERYBODY: std::ops::RangeInclusive<u8> = 1..=12;

/// Reads until a sound and a picture of each of these have arrived; all that came on the way.
async fn meet(client: &mut Client, others: &HashSet<u8>) -> Vec<Received> {
    let (mut met, mut came) = (HashSet::new(), Vec::new());
    while met.len() < 2 * others.len() {
        let packet = client.next().await;
        if others.contains(&packet.sender) {
            met.insert((packet.sender, packet.kind));
        }
        came.push(packet);
    }
    came
}

fn all_but(name: u8, names: impl Iterator<Item = u8>) -> HashSet<u8> {
    names.filter(|other| *other != name).collect()
}

#[tokio::test]
async fn twelve_hear_and_see_eleven_others_a_thirteenth_is_refused_and_all_leave_without_a_ghost() {
    let mut stage = Stage::new();
    let (mut clients, mut paths) = (Vec::new(), Vec::new());
    for name in EVERYBODY {
        stage.admit(name, Permit::ALL).await;
        let (client, path) = Client::calm_and_watched(name, 11, &stage.browsers).await;
        clients.push(stage.seat(client).await);
        paths.push(path);
    }
    // Who sees whom, and under which number the first packet of that picture came.
    let mut begun = Vec::new();
    for (client, path) in clients.iter_mut().zip(&paths) {
        let name = client.name;
        let others = all_but(name, EVERYBODY);
        let slots = stage.slots(name, |slots, missing| slots.len() == 22 && missing == (0, 0)).await;
        for kind in [Audio, Video] {
            let told: HashSet<_> = slots.iter().filter(|slot| slot.kind == kind).map(|slot| slot.source).collect();
            assert_eq!(
                told,
                others.iter().map(|other| participant(*other)).collect::<HashSet<_>>(),
                "{kind:?} at {name}"
            );
        }
        let came = meet(client, &others).await;
        assert!(came.iter().all(|packet| packet.sender != name), "nobody gets their own");
        for slot in slots.iter().filter(|slot| slot.kind == Video) {
            let first = path.first(client.leg(&slot.mid)).expect("it was met");
            begun.push((name, slot.source, first));
        }
    }
    // Looked at on the wire: what comes there before the browser knows its keys is seen by nobody else. A stream that carries
    // its first source keeps that source's numbers (`media/rewrite.rs`).
    for (name, source, first) in begun {
        let camera = clients.iter().find(|client| participant(client.name) == source).expect("it is one of them");
        assert!(camera.was_whole(first), "the picture of {} at {name} begins with a whole one", camera.name);
    }
    assert_eq!(stage.relay.connections(), 12);

    stage.admit(13, Permit::ALL).await;
    let mut thirteenth = Client::calm(13, 11, &stage.browsers).await;
    let sdp = thirteenth.offer().await;
    assert_eq!(stage.offer(13, true, sdp.clone()).await, Err(OfferRefusal::NotAdmitted));
    thirteenth.vanish().await;

    // Whoever leaves is in nobody's sections any more, and nothing of theirs comes.
    while let Some(leaving) = clients.pop() {
        let gone = leaving.name;
        stage.send(RelayCommand::Remove { participant: participant(gone) }).await;
        stage.state(gone, MediaState::Closed).await;
        leaving.vanish().await;
        for client in &clients {
            stage.slots(client.name, |slots, _| slots.len() == 2 * (clients.len() - 1)).await;
        }
        assert_eq!(stage.relay.connections(), clients.len());
        if let Some(client) = clients.first_mut() {
            let others = all_but(client.name, 1..gone);
            // What was under way has arrived when later packets have.
            meet(client, &others).await;
            client.arrived();
            let came = meet(client, &others).await;
            assert!(came.iter().all(|packet| packet.sender != gone), "nothing of {gone} comes any more");
        }
    }
    stage.strike().await;
}
