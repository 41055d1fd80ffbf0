//! A sandbox that runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::delivery::dispatch;
use super::door::router;
use super::journal::JournalError;
use super::premises::Premises;
use super::wire::{Cut, Gate};
use super::world::World;

/// How often a world looks what happens by itself.
const TICK: Duration = Duration::from_millis(10);

/// How long calls that are being answered may take when a sandbox is stopped in order.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long a sandbox waits for its address, which the one before may just be giving up.
const ADDRESS_WAIT: Duration = Duration::from_secs(2);

/// A sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its files cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It cannot listen.
    #[error("the sandbox cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot send events.
    #[error("the sandbox cannot send events")]
    Client(#[source] reqwest::Error),
}

/// A sandbox that runs. Dropping it is like killing it: what it answered is on disk, what it did not may be.
pub struct Running {
    address: SocketAddr,
    folder: PathBuf,
    /// Told to finish, and then: cut.
    farewell: CancellationToken,
    house: CancellationToken,
    server: Option<JoinHandle<()>>,
    others: Vec<JoinHandle<()>>,
    deliver_to: Box<dyn Fn(String) + Send + Sync>,
    close: Box<dyn Fn() + Send + Sync>,
}

impl Running {
    /// Where it listens, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Says where its events go, from now on and after a restart.
    pub fn deliver_to(&self, url: impl Into<String>) {
        (self.deliver_to)(url.into());
    }

    /// Finishes what is being answered and ends.
    pub async fn stop(mut self) {
        self.farewell.cancel();
        if let Some(server) = self.server.take() {
            let _ = tokio::time::timeout(FAREWELL, server).await;
        }
        self.end();
    }

    /// Ends at once: connections are cut, nobody is answered any more.
    pub fn abort(self) {
        drop(self);
    }

    fn end(&mut self) {
        self.house.cancel();
        (self.close)();
        self.server.take().into_iter().chain(self.others.drain(..)).for_each(|task| task.abort());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Opens the book and starts everything that a sandbox does.
pub(super) async fn start<W: World>(premises: Premises, name: &str, rules: W::Rules) -> Result<Running, StartError> {
    let client = client().map_err(StartError::Client)?;
    let book = Arc::new(Book::<W>::open(&premises, name, rules)?);
    let listener = listen(premises.listen).await?;
    let address = listener.local_addr().map_err(|source| StartError::Listen { address: premises.listen, source })?;
    let (house, farewell) = (CancellationToken::new(), CancellationToken::new());
    let gate = Gate { listener, house: house.clone() };
    let service = router(book.clone()).into_make_service_with_connect_info::<Cut>();
    let serving = axum::serve(gate, service).with_graceful_shutdown(farewell.clone().cancelled_owned());
    let server = tokio::spawn(async move {
        // It ends only when it is told to.
        let _ = serving.await;
    });
    let others = vec![tokio::spawn(dispatch(book.clone(), client)), tokio::spawn(live(book.clone()))];
    let closing = book.clone();
    Ok(Running {
        address,
        folder: premises.folder,
        farewell,
        house,
        server: Some(server),
        others,
        deliver_to: Box::new(move |url| book.deliver_to(url)),
        close: Box::new(move || closing.close()),
    })
}

/// Lets happen what happens by itself.
async fn live<W: World>(book: Arc<Book<W>>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        book.move_on();
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let mut tries = tokio::time::interval(Duration::from_millis(50));
    let deadline = tokio::time::Instant::now() + ADDRESS_WAIT;
    loop {
        tries.tick().await;
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tokio::time::Instant::now() < deadline => {}
            Err(source) => return Err(StartError::Listen { address, source }),
        }
    }
}

/// The client that reads sandboxes and sends events, theirs and those of a bench.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Whoever comes first installs it; all install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build()
}
