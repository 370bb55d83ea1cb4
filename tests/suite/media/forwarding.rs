//! Media reaches whom it should, and nobody else.

use yunzhen::domain::room::relay::MediaKind::{Audio, Video};
use yunzhen::domain::room::relay::RelayMode;

use super::stage::{Stage, participant};

#[tokio::test]
async fn two_participants_hear_and_see_each_other() {
    let mut stage = Stage::new();
    let mut a = stage.join(1, RelayMode::Conference, 2).await;
    let mut b = stage.join(2, RelayMode::Conference, 2).await;
    for (client, other) in [(&mut a, 2), (&mut b, 1)] {
        let pictures = client.packets_of(other, Video, 20).await;
        assert!(pictures[0].is_keyframe, "the first picture is a whole one");
        let sounds = client.packets_of(other, Audio, 20).await;
        for packets in [pictures, sounds] {
            assert!(packets.windows(2).all(|two| two[1].sequence == two[0].sequence.wrapping_add(1)));
        }
    }
    let slots = stage.slots(1, |slots, _| slots.len() == 2).await;
    assert!(slots.iter().all(|slot| slot.source == participant(2)));
    a.vanish().await;
    b.vanish().await;
    stage.strike().await;
}
