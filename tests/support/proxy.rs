//! A TCP proxy of our own between a client and a server: it can cut, stall, and leave the client half open.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    /// Bytes pass.
    Fair,
    /// Connections are taken, but no byte passes.
    Stalled,
    /// New connections are closed at once.
    Refused,
}

#[derive(Clone, Copy)]
struct State {
    weather: Weather,
    /// Connections of an older cut are closed.
    cuts: u64,
    /// For connections of an older one, the server's side is closed, and the client hears nothing of it.
    half_opened: u64,
}

/// A proxy in front of one server; it ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// In front of `host:port`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new(State { weather: Weather::Fair, cuts: 0, half_opened: 0 }));
        let accepting = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&state)));
        Self { address, state, accepting }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection there is now.
    pub fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// No byte passes any more, on old and new connections, until [`Self::clear`].
    pub fn stall(&self) {
        self.state.send_modify(|state| state.weather = Weather::Stalled);
    }

    /// Nobody gets in, and those who are in are cut, until [`Self::clear`].
    pub fn refuse(&self) {
        self.state.send_modify(|state| {
            state.weather = Weather::Refused;
            state.cuts += 1;
        });
    }

    /// The server's side of every connection is closed; clients hear nothing of it.
    pub fn half_open(&self) {
        self.state.send_modify(|state| state.half_opened += 1);
    }

    /// Bytes pass again.
    pub fn clear(&self) {
        self.state.send_modify(|state| state.weather = Weather::Fair);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<watch::Sender<State>>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.borrow().weather != Weather::Refused {
            tokio::spawn(carry(client, server.clone(), state.subscribe()));
        }
    }
}

async fn carry(client: TcpStream, server: String, mut state: watch::Receiver<State>) {
    let began = *state.borrow();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, state.clone()) => return,
        () = pump(&mut from_server, &mut to_client, state.clone()) => return,
        () = changed(&mut state, began) => {}
    }
    if state.borrow().cuts == began.cuts {
        // Half open: the client's socket stays, with nobody behind it.
        drop((from_server, to_server));
        let _ = state.wait_for(|now| now.cuts != began.cuts).await;
    }
}

async fn changed(state: &mut watch::Receiver<State>, began: State) {
    let _ = state.wait_for(|now| now.cuts != began.cuts || now.half_opened != began.half_opened).await;
}

async fn pump(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(count) = from.read(&mut bytes).await else { return };
        if count == 0 || state.wait_for(|now| now.weather != Weather::Stalled).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
