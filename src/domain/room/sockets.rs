//! Which word about a connection's sockets is the newest. They come and go on tasks of their own, so that the loss of one may
//! be heard after the next has come.

/// The newest word about the sockets of a connection: the order of its fields is the order of what happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Newest {
    socket: u64,
    is_lost: bool,
}

impl Newest {
    /// Somebody sits down by this socket.
    pub(super) fn here(socket: u64) -> Self {
        Self { socket, is_lost: false }
    }

    /// A socket is here; `false` when that is old: it was lost since, or another came.
    pub(super) fn comes(&mut self, socket: u64) -> bool {
        let word = Self::here(socket);
        let is_news = word >= *self;
        *self = word.max(*self);
        is_news
    }

    /// A socket was lost; `false` when that is old.
    pub(super) fn goes(&mut self, socket: u64) -> bool {
        let word = Self { socket, is_lost: true };
        let is_news = word > *self;
        *self = word.max(*self);
        is_news
    }
}
