//! Connections at a door: so many at a time, and none for ever.
//!
//! Whoever connects has to bring a whole request, and is answered, within one turn; then the next turn begins. So a
//! sender that is slow on purpose, or gone without a word, holds a place for one turn at most.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tracing::warn;

/// Wait before accepting again after the system refused to, for example because too many files are open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Accepts connections of one door.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    turn: Duration,
}

/// A connection with its place and its turn.
pub(super) struct Visit {
    stream: TcpStream,
    turn: Duration,
    ends: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Door {
    pub fn new(listener: TcpListener, connections_max: usize, turn: Duration) -> Self {
        Self { listener, places: Arc::new(Semaphore::new(connections_max.clamp(1, Semaphore::MAX_PERMITS))), turn }
    }
}

impl Listener for Door {
    type Io = Visit;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visit, SocketAddr) {
        // Nobody closes the semaphore. Who finds no place waits in the system's own queue.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    // Small answers leave at once; without it they leave a little later.
                    let _ = stream.set_nodelay(true);
                    let ends = Box::pin(tokio::time::sleep(self.turn));
                    return (Visit { stream, turn: self.turn, ends, _place: place }, address);
                }
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl AsyncRead for Visit {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.ends.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Visit {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        let next = Instant::now() + self.turn;
        self.ends.as_mut().reset(next);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
