//! A TCP proxy of our own between a client and a server: it can cut, stall, throttle, and leave the client half open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

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
    /// So many bytes pass in each direction of a connection within [`TICK`].
    Throttled(usize),
    /// New connections are closed at once.
    Refused,
}

/// What is throttled passes in one piece per tick.
const TICK: Duration = Duration::from_millis(20);

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
    held: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// In front of `host:port`.
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(watch::Sender::new(State { weather: Weather::Fair, cuts: 0, half_opened: 0 }));
        let held = Arc::default();
        let accepting = tokio::spawn(accept(listener, server.to_owned(), Arc::clone(&state), Arc::clone(&held)));
        Self { address, state, held, accepting }
    }

    /// In front of the server that an address names, and the same address through the proxy.
    pub async fn before(url: &str) -> (Self, String) {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, server) =
            authority.rsplit_once('@').map_or((String::new(), authority), |(who, server)| (format!("{who}@"), server));
        let proxy = Self::to(server).await;
        let slash = if rest.contains('/') { "/" } else { "" };
        let through = format!("{scheme}://{credentials}{}{slash}{path}", proxy.address());
        (proxy, through)
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

    /// So many bytes a second pass in each direction of a connection, until [`Self::clear`].
    pub fn throttle(&self, bytes_per_second: usize) {
        let per_tick = (bytes_per_second / 50).max(1);
        self.state.send_modify(|state| state.weather = Weather::Throttled(per_tick));
    }

    /// Bytes of clients that are stalled here now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
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

async fn accept(listener: TcpListener, server: String, state: Arc<watch::Sender<State>>, held: Arc<AtomicUsize>) {
    while let Ok((client, _)) = listener.accept().await {
        if state.borrow().weather != Weather::Refused {
            tokio::spawn(carry(client, server.clone(), state.subscribe(), Arc::clone(&held)));
        }
    }
}

async fn carry(client: TcpStream, server: String, mut state: watch::Receiver<State>, held: Arc<AtomicUsize>) {
    let began = *state.borrow();
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    tokio::select! {
        () = pump(&mut from_client, &mut to_server, state.clone(), Some(&held)) => return,
        () = pump(&mut from_server, &mut to_client, state.clone(), None) => return,
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

async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut state: watch::Receiver<State>,
    held: Option<&AtomicUsize>,
) {
    let mut bytes = vec![0; 64 * 1024];
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let Ok(count) = from.read(&mut bytes).await else { return };
        if count == 0 {
            return;
        }
        let _holding = held.map(|held| Holding::of(held, count));
        let mut left = &bytes[..count];
        while !left.is_empty() {
            let Ok(weather) = state.wait_for(|now| now.weather != Weather::Stalled).await.map(|now| now.weather) else {
                return;
            };
            let piece = if let Weather::Throttled(per_tick) = weather { per_tick.min(left.len()) } else { left.len() };
            if to.write_all(&left[..piece]).await.is_err() {
                return;
            }
            left = &left[piece..];
            if let Weather::Throttled(_) = weather {
                ticks.tick().await;
            }
        }
    }
}

/// Bytes that are counted as held until they have passed, or their connection ends.
struct Holding<'a> {
    held: &'a AtomicUsize,
    count: usize,
}

impl<'a> Holding<'a> {
    fn of(held: &'a AtomicUsize, count: usize) -> Self {
        held.fetch_add(count, Ordering::SeqCst);
        Self { held, count }
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        self.held.fetch_sub(self.count, Ordering::SeqCst);
    }
}
