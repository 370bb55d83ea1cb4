//! A connection and the place that it takes: one of all, one of its address, and how long its peer may take nothing.

use std::collections::HashMap;
use std::future::{Pending, pending};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Timeout, timeout};

/// How many connections each address has.
pub(super) struct Crowd {
    most: usize,
    counts: Mutex<HashMap<IpAddr, usize>>,
}

impl Crowd {
    /// Nobody yet; each address may have `most`.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts one more of `address`, until what is returned is dropped; `None` when it has enough.
    pub(super) fn enter(crowd: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let mut counts = crowd.counts.lock().expect("no holder of this lock panics");
        let count = counts.entry(address).or_default();
        if *count >= crowd.most {
            return None;
        }
        *count += 1;
        Some(Counted { crowd: Arc::clone(crowd), address })
    }
}

/// One connection of an address.
pub(super) struct Counted {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts.lock().expect("no holder of this lock panics");
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// How long a peer has taken nothing.
struct Patience {
    within: Duration,
    /// Runs while the kernel takes no more for it.
    ends: Option<Pin<Box<Timeout<Pending<()>>>>>,
}

impl Patience {
    fn new(within: Duration) -> Self {
        Self { within, ends: None }
    }

    /// Passes a write's outcome on; one that waits for too long is over.
    fn watch<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.ends = None;
            return outcome;
        }
        let within = self.within;
        let ends = self.ends.get_or_insert_with(|| Box::pin(timeout(within, pending())));
        ends.as_mut().poll(context).map(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

/// A connection with its place, which it keeps when it becomes a WebSocket or speaks TURN.
pub(super) struct Seated {
    stream: TcpStream,
    patience: Patience,
    _place: OwnedSemaphorePermit,
    _counted: Option<Counted>,
}

impl Seated {
    /// A connection in `place`, whose peer takes something within `read_within`.
    pub(super) fn new(
        stream: TcpStream,
        read_within: Duration,
        place: OwnedSemaphorePermit,
        counted: Option<Counted>,
    ) -> Self {
        Self { stream, patience: Patience::new(read_within), _place: place, _counted: counted }
    }

    /// The connection itself.
    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

impl AsyncRead for Seated {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, to)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patience.watch(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.patience.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Of TCP it is always ready, and says nothing about what was taken.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_gets_the_next_when_one_ends() {
        let crowd = Crowd::new(2);
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = Crowd::enter(&crowd, one).unwrap();
        let second = Crowd::enter(&crowd, one).unwrap();
        assert!(Crowd::enter(&crowd, one).is_none());
        assert!(Crowd::enter(&crowd, other).is_some());
        drop(first);
        assert!(Crowd::enter(&crowd, one).is_some());
        drop(second);
        assert!(crowd.counts.lock().unwrap().is_empty(), "who is gone is forgotten");
    }
}
