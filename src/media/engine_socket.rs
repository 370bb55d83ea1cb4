//! The socket and the runtime that one connection's engine is given.
//!
//! The engine insists on a socket of its own. It gets a share of the port that looks like one; its tasks are tracked.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, RecvMeta, Runtime, TokioRuntime,
    Transmit,
};

use super::mux::Mux;
use super::play::FAR_END;
use super::port::Port;

/// The socket that the engine holds.
struct PortSocket {
    mux: Arc<Mux>,
    port: Arc<Port>,
    local: SocketAddr,
    inbound: Mutex<mpsc::Receiver<Bytes>>,
}

impl fmt::Debug for PortSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortSocket").finish_non_exhaustive()
    }
}

impl AsyncUdpSocket for PortSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    fn poll_send(&self, _: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.port.send(&self.mux, transmit.contents);
        Poll::Ready(Ok(transmit.contents.len()))
    }

    fn poll_recv(
        &self,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), metas.first_mut()) else { return Poll::Ready(Ok(0)) };
        loop {
            match inbound.poll_recv(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                // Larger than the engine's buffer: nobody who speaks WebRTC sends it.
                Poll::Ready(Some(bytes)) if bytes.is_empty() || bytes.len() > buffer.len() => {}
                Poll::Ready(Some(bytes)) => {
                    buffer[..bytes.len()].copy_from_slice(&bytes);
                    *meta = RecvMeta::default();
                    meta.addr = FAR_END;
                    meta.len = bytes.len();
                    meta.stride = bytes.len();
                    return Poll::Ready(Ok(1));
                }
            }
        }
    }
}

/// The runtime of one connection: tokio's, except that its socket is a share of the port and its tasks are tracked.
pub(super) struct PortRuntime {
    mux: Arc<Mux>,
    port: Arc<Port>,
    inbound: Mutex<Option<mpsc::Receiver<Bytes>>>,
    tracker: TaskTracker,
}

impl PortRuntime {
    pub(super) fn new(mux: Arc<Mux>, port: Arc<Port>, inbound: mpsc::Receiver<Bytes>, tracker: TaskTracker) -> Self {
        Self { mux, port, inbound: Mutex::new(Some(inbound)), tracker }
    }
}

impl fmt::Debug for PortRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortRuntime").finish_non_exhaustive()
    }
}

/// A tracked task, as the engine wants to hold it.
struct Task(tokio::task::JoinHandle<()>);

impl JoinHandle for Task {
    fn detach(&self) {}

    fn abort(&self) {
        self.0.abort();
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Runtime for PortRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        Box::new(Task(self.tracker.spawn(future)))
    }

    /// Drops the socket that the engine bound for itself, keeps its address as a name, and gives the share instead.
    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let local = socket.local_addr()?;
        drop(socket);
        let inbound = self.inbound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let inbound = inbound.ok_or_else(|| io::Error::other("a connection has one socket"))?;
        Ok(Arc::new(PortSocket {
            mux: Arc::clone(&self.mux),
            port: Arc::clone(&self.port),
            local,
            inbound: Mutex::new(inbound),
        }))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<'_, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn name(&self) -> &'static str {
        "yunzhen-relay"
    }
}
