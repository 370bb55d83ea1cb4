//! The check before a call leaves nothing behind, however many come.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use yunzhen::domain::ids::{ConnectionId, HolderId};
use yunzhen::domain::permission::Actor;
use yunzhen::domain::room::RoomPurpose;
use yunzhen::domain::time::Timestamp;
use yunzhen::store::Db;

use super::stage::Stage;

/// Rows of checks that nobody has closed.
async fn open_rows(db: &Db) -> usize {
    let (own, any) = (("", Timestamp::from_millis(0)), Timestamp::from_millis(i64::MAX));
    db.read().await.unwrap().rooms().left_open(RoomPurpose::Check, own, any, 1000).await.unwrap().len()
}

/// Lets time pass, and whoever closes checks look at it.
async fn pass(stage: &Stage, span: Duration) {
    stage.clock.advance(span);
    stage.server.services.sweep_checks().await.unwrap();
}

/// A holder who has signed in.
async fn somebody(stage: &Stage) -> (Actor, HolderId) {
    let token = stage.holder(1).await;
    let actor = stage.server.services.authenticate(&token).await.unwrap().unwrap().0;
    let Actor::Holder { holder, .. } = actor else { panic!("a holder") };
    (actor, holder)
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_that_everybody_has_left_leave_rooms_tasks_and_rows_as_they_were() {
    const CHECKS: u32 = 20;
    let stage = Stage::open().await;
    let services = &stage.server.services;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    let mut people = Vec::new();
    for n in 0..CHECKS {
        let token = stage.holder(n).await;
        people.push(services.authenticate(&token).await.unwrap().unwrap().0);
    }
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let (rooms, tasks_before) = (services.live.counts().0, tasks());
    for (n, actor) in (0..).zip(people) {
        let Actor::Holder { holder, .. } = actor else { panic!("a holder") };
        let grant = services.open_check(actor, holder).await.unwrap();
        // One in ten closes the page before the check begins.
        if n % 10 == 9 {
            continue;
        }
        let (outbox, _told) = mpsc::channel(64);
        let connection = services.ids.make(ConnectionId::from_uuid);
        services.live.connect(connection, actor.session(), (actor.key(), [192, 0, 2, n].into()), outbox.clone());
        let (room, seat) = services.open_granted(actor, connection, &grant.grant).await.unwrap();
        let id = room.id();
        services.live.open(room);
        services.live.join(id, seat, connection).await.unwrap();
        services.live.leave(connection, id).await.unwrap();
        services.live.disconnect(connection, &outbox).await;
    }
    assert_eq!(open_rows(&db).await, CHECKS as usize);
    stage.clock.advance(Duration::from_secs(121));
    let as_before = async {
        while services.live.counts().0 != rooms || tasks() > tasks_before {
            tokio::task::yield_now().await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(30), as_before).await;
    assert!(ended.is_ok(), "{} rooms, {} tasks of {tasks_before}", services.live.counts().0, tasks());
    services.sweep().await.unwrap();
    assert_eq!(open_rows(&db).await, CHECKS as usize, "whoever looks at the queue each second reads none of them");
    services.sweep_checks().await.unwrap();
    assert_eq!(open_rows(&db).await, 0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_goes_on_is_closed_by_nobody_and_one_of_a_process_that_ended_after_an_hour() {
    let stage = Stage::open().await;
    let (actor, holder) = somebody(&stage).await;
    let connection = stage.server.services.ids.make(ConnectionId::from_uuid);
    let (outbox, _told) = mpsc::channel(64);
    {
        let services = &stage.server.services;
        let grant = services.open_check(actor, holder).await.unwrap();
        services.live.connect(connection, actor.session(), (actor.key(), [192, 0, 2, 1].into()), outbox);
        let (room, seat) = services.open_granted(actor, connection, &grant.grant).await.unwrap();
        let id = room.id();
        services.live.open(room);
        services.live.join(id, seat, connection).await.unwrap();
    }
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    pass(&stage, Duration::from_mins(5)).await;
    assert_eq!(open_rows(&db).await, 1, "somebody sits in it");
    let stage = stage.restart().await;
    pass(&stage, Duration::from_mins(54)).await;
    assert_eq!(open_rows(&db).await, 1, "it may be another's");
    pass(&stage, Duration::from_mins(2)).await;
    assert_eq!(open_rows(&db).await, 0);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_was_closed_between_the_grant_and_the_seat_is_not_open_again() {
    let stage = Stage::open().await;
    let services = &stage.server.services;
    let (actor, holder) = somebody(&stage).await;
    let grant = services.open_check(actor, holder).await.unwrap();
    let (outbox, _told) = mpsc::channel(64);
    let connection = services.ids.make(ConnectionId::from_uuid);
    services.live.connect(connection, actor.session(), (actor.key(), [192, 0, 2, 1].into()), outbox);
    let (room, seat) = services.open_granted(actor, connection, &grant.grant).await.unwrap();
    // In this moment another check takes the place of this one.
    services.open_check(actor, holder).await.unwrap();
    let id = room.id();
    services.live.open(room);
    services.live.join(id, seat, connection).await.unwrap();
    services.look_again(id).await.unwrap();
    let is_over = async {
        while services.live.is_open(id) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_over).await.expect("it is closed for good");
}
