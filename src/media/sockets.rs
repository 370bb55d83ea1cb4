//! The sockets of one port: one for each reader, where the machine lets several sockets share an address.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};
use tokio::net::UdpSocket;

/// Room for bursts: a keyframe for twelve people is some hundred packets at once.
const BUFFER: usize = 4 * 1024 * 1024;

/// Binds up to `count` sockets at `address`. The first is bound alone, so that a port which another process has is refused.
pub(super) fn bind(address: SocketAddr, count: usize) -> io::Result<Vec<UdpSocket>> {
    let first = open(address)?;
    first.bind(&address.into())?;
    let bound = first.local_addr()?;
    let mut sockets = vec![first];
    #[cfg(target_os = "linux")]
    if count > 1
        && let Err(error) = share(&mut sockets, &bound, count)
    {
        tracing::warn!(%error, readers = sockets.len(), "the media port has fewer readers than the machine has cores");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (bound, count);
    sockets.into_iter().map(|socket| UdpSocket::from_std(socket.into())).collect()
}

/// Binds the others at the address of the first.
#[cfg(target_os = "linux")]
fn share(sockets: &mut Vec<Socket>, bound: &socket2::SockAddr, count: usize) -> io::Result<()> {
    let address = bound.as_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    sockets[0].set_reuse_port(true)?;
    while sockets.len() < count {
        let next = open(address)?;
        next.set_reuse_port(true)?;
        next.bind(bound)?;
        sockets.push(next);
    }
    Ok(())
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    // The kernel grants what its limits allow; less is no reason not to start.
    for result in [socket.set_recv_buffer_size(BUFFER), socket.set_send_buffer_size(BUFFER)] {
        if let Err(error) = result {
            tracing::warn!(%error, "the media socket keeps small buffers");
        }
    }
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn readers_share_a_port_that_nobody_else_gets_and_what_comes_from_one_address_comes_to_one() {
        let any = "127.0.0.1:0".parse().unwrap();
        let sockets = bind(any, 3).expect("binds");
        let port = sockets[0].local_addr().unwrap();
        assert!(sockets.len() == 3 && sockets.iter().all(|socket| socket.local_addr().unwrap() == port));
        assert!(bind(port, 3).is_err(), "another process would be told");

        let mut readers = std::collections::HashSet::new();
        for _ in 0..64 {
            let sender = std::net::UdpSocket::bind(any).unwrap();
            for number in 0..4 {
                sender.send_to(&[number], port).unwrap();
            }
            let whose = sender.local_addr().unwrap();
            let mut buffer = [0; 8];
            let mut readers_of_one = Vec::new();
            while readers_of_one.len() < 4 {
                for (reader, socket) in sockets.iter().enumerate() {
                    while let Ok((_, from)) = socket.try_recv_from(&mut buffer) {
                        assert_eq!(from, whose);
                        readers_of_one.push((reader, buffer[0]));
                    }
                }
                tokio::task::yield_now().await;
            }
            let reader = readers_of_one[0].0;
            assert_eq!(readers_of_one, [0, 1, 2, 3].map(|number| (reader, number)));
            readers.insert(reader);
        }
        assert_eq!(readers.len(), 3, "all of them have work");
    }
}
