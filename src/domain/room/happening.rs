//! What can happen to a room, and what follows from it: the words between the value and its driver.

use crate::domain::ids::{AttachmentId, ConnectionId, ParticipantId};
use crate::domain::room::relay::{RelayCommand, RelayEvent};
use crate::domain::room::{HostAct, PictureAsk, RoomEnd, RoomState, Seat, SelfMedia, Still, StillRefusal};

/// Everything that can happen to a room.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody with a grant takes a seat, or takes it up again from another socket.
    Join {
        /// The seat.
        seat: Seat,
        /// The socket's connection.
        connection: ConnectionId,
        /// Which socket of the connection, counted from 0: each that takes it up has the next number.
        socket: u64,
    },
    /// The socket of a connection was lost. Nothing happens when a later one has come.
    Lost {
        /// Whose.
        connection: ConnectionId,
        /// Which of its sockets.
        socket: u64,
    },
    /// A connection came back on a new socket. Nothing happens when that one was lost again.
    Back {
        /// Whose.
        connection: ConnectionId,
        /// Which of its sockets.
        socket: u64,
    },
    /// A browser describes its media.
    Offer {
        /// Whose.
        connection: ConnectionId,
        /// The offer's id.
        offer_id: u64,
        /// A new connection of the browser.
        fresh: bool,
        /// The description.
        sdp: String,
    },
    /// A participant says what it sends.
    Media(ConnectionId, SelfMedia),
    /// A participant whose network bears no moving picture shows one still. [`Notice::StillShown`] or
    /// [`Notice::StillRefused`] answers.
    Still {
        /// Whose.
        connection: ConnectionId,
        /// Returned in the answer.
        id: u64,
        /// The picture.
        still: Still,
    },
    /// A browser says how large it shows each receiving section.
    View(ConnectionId, Vec<(String, u16)>),
    /// A browser says of which receiving sections nothing came for two seconds.
    Unheard(ConnectionId, Vec<String>),
    /// A participant leaves for good.
    Leave(ConnectionId),
    /// A host does something with somebody. Nothing happens when the connection is no host's.
    Host {
        /// The host's connection.
        by: ConnectionId,
        /// With whom.
        participant: ParticipantId,
        /// What.
        act: HostAct,
    },
    /// The same, heard before its turn: it is done at once, and remembered.
    HostAhead {
        /// Which word, of all that this process has heard so.
        word: u64,
        /// The host's connection.
        by: ConnectionId,
        /// With whom.
        participant: ParticipantId,
        /// What.
        act: HostAct,
    },
    /// The same word in its turn: it is done where it was not done ahead, and never twice.
    HostInTurn {
        /// Which word.
        word: u64,
        /// The host's connection.
        by: ConnectionId,
        /// With whom.
        participant: ParticipantId,
        /// What.
        act: HostAct,
    },
    /// A host lets somebody in or back, as by [`Input::Host`], unless the person was held apart since that was said: what gives is
    /// written first, and by then the later word holds.
    Give {
        /// The host's connection.
        by: ConnectionId,
        /// Whom.
        participant: ParticipantId,
        /// What.
        act: HostAct,
        /// How often the person had been held apart when the host said it: see [`Output::Seen`].
        holds: u64,
    },
    /// A host who has just said [`HostAct::Admit`] wants to know whether there was a place inside. [`Notice::LetIn`] or
    /// [`Notice::NoPlace`] answers.
    LetIn {
        /// The host's connection.
        by: ConnectionId,
        /// Whom.
        participant: ParticipantId,
        /// Returned in the answer.
        id: u64,
    },
    /// A muted participant wants to speak again.
    Unmute(ConnectionId),
    /// A host asks the patient for a picture.
    AskPicture {
        /// The host's connection.
        by: ConnectionId,
        /// The picture.
        ask: PictureAsk,
    },
    /// A host or the patient calls the picture off.
    CallOffPicture(ConnectionId),
    /// The picture was taken and kept.
    PictureKept(AttachmentId),
    /// Something was said in the conversation beside the call, and kept.
    Said,
    /// The patient took the consent to be recorded back.
    StopRecording,
    /// Somebody asks how a seat is, after all that was said to the room before. [`Output::Seen`] answers, always.
    Look {
        /// Returned in the answer.
        question: u64,
        /// The seat.
        participant: ParticipantId,
    },
    /// The relay tells something.
    Relay(RelayEvent),
    /// The room is over for everybody.
    End(RoomEnd),
    /// A deadline may have passed.
    Tick,
}

/// Everything a room can ask of the world.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Tell one connection something.
    Tell(ConnectionId, Notice),
    /// Ask the relay for something.
    Relay(RelayCommand),
    /// Throw away what nobody has read yet of stills from a participant, or on their way to it. Whoever is told
    /// [`Notice::Ended`] has none on their way either.
    Withhold {
        /// The seat.
        participant: ParticipantId,
        /// Its connection.
        connection: ConnectionId,
    },
    /// Answer who asked how a seat is.
    Seen {
        /// The question.
        question: u64,
        /// As it is; nothing when nobody sits there.
        seat: Option<Seat>,
        /// How often a host said that its participant is to be held apart.
        holds: u64,
    },
    /// Forget the room: it has ended.
    Forget,
}

/// What a participant is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The whole room.
    State(RoomState),
    /// The door is still closed.
    Door,
    /// Something about the own media.
    Media(RelayEvent),
    /// A still of somebody else. A newer one of the same seat takes the place of one that was not read.
    Still(ParticipantId, Still),
    /// The own still was shown to whoever may see it.
    StillShown(u64),
    /// The own still was shown to nobody.
    StillRefused(u64, StillRefusal),
    /// Something was said in the conversation beside the call.
    Said,
    /// The room is over for this participant.
    Ended(RoomEnd),
    /// Whom one let in stands in front of the door no more.
    LetIn(u64),
    /// The room has no seat left for whom one let in.
    NoPlace(u64),
}
