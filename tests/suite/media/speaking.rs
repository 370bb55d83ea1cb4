//! Who speaks is told to everybody, by what the microphones say of themselves.

use yunzhen::domain::ids::ParticipantId;
use yunzhen::domain::room::relay::{RelayCommand, RelayEvent, RelayMode};

use super::stage::{Stage, participant};

/// Who is told to speak next.
async fn next_speaker(stage: &mut Stage) -> Option<ParticipantId> {
    let speaker = |event: &RelayEvent| match event {
        RelayEvent::Speaker { participant, .. } => Some(*participant),
        _ => None,
    };
    stage.event(speaker).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_speaks_up_has_the_floor_until_another_does_and_keeps_it_through_a_silence() {
    let mut stage = Stage::new();
    let clients = [
        stage.join(1, RelayMode::Conference, 2).await,
        stage.join(2, RelayMode::Conference, 2).await,
        stage.join(3, RelayMode::Conference, 2).await,
    ];
    for speaker in [2, 3, 1] {
        for client in &clients {
            client.speak(if client.name == speaker { 100 } else { 20 });
        }
        assert_eq!(next_speaker(&mut stage).await, Some(participant(speaker)));
    }
    // Whoever spoke last keeps the floor while nobody says anything; and it is free when they go.
    for client in &clients {
        client.speak(20);
    }
    let [first, _second, _third] = clients;
    first.vanish().await;
    stage.send(RelayCommand::Remove { participant: participant(1) }).await;
    assert_eq!(next_speaker(&mut stage).await, None);
    stage.strike().await;
}
