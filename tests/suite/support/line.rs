//! A line to a PostgreSQL that can go dead: the connections that are there are never answered again and nobody is told, and new
//! ones are accepted and hear nothing.

use std::future::pending;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// The line; it ends when it is dropped.
pub struct Line {
    /// Where a server finds the database behind it.
    pub url: String,
    is_dead: watch::Sender<bool>,
    _end: DropGuard,
}

impl Line {
    /// A line to the database at `url`.
    pub async fn to(url: &str) -> Self {
        let target: PgConnectOptions = url.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut near = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .ssl_mode(PgSslMode::Disable)
            .username(target.get_username())
            .database(target.get_database().unwrap_or("postgres"))
            .to_url_lossy();
        if let Some(options) = target.get_options() {
            near.query_pairs_mut().append_pair("options", options);
        }
        let (is_dead, state) = watch::channel(false);
        let end = CancellationToken::new();
        let (stop, tracker) = (end.clone(), TaskTracker::new());
        let connections = tracker.clone();
        tracker.spawn(end.clone().run_until_cancelled_owned(async move {
            while let Ok((client, _)) = listener.accept().await {
                let led = lead(client, target.clone(), state.clone());
                connections.spawn(stop.clone().run_until_cancelled_owned(led));
            }
        }));
        Self { url: near.into(), is_dead, _end: end.drop_guard() }
    }

    /// Nothing passes any more.
    pub fn dies(&self) {
        self.is_dead.send_replace(true);
    }

    /// New connections pass again; those that were there are dead for good.
    pub fn lives(&self) {
        self.is_dead.send_replace(false);
    }
}

async fn lead(client: TcpStream, target: PgConnectOptions, state: watch::Receiver<bool>) {
    if let Some(folder) = target.get_socket() {
        let path = folder.join(format!(".s.PGSQL.{}", target.get_port()));
        pass(client, UnixStream::connect(path).await.unwrap(), state).await;
    } else {
        let server = TcpStream::connect((target.get_host(), target.get_port())).await.unwrap();
        pass(client, server, state).await;
    }
}

async fn pass(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    mut state: watch::Receiver<bool>,
) {
    let is_over = tokio::select! {
        biased;
        _ = state.wait_for(|is_dead| *is_dead) => false,
        _ = copy_bidirectional(&mut client, &mut server) => true,
    };
    if !is_over {
        // Both ends stay open, and neither hears anything.
        pending::<()>().await;
    }
}
