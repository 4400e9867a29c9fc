//! The focus put together, run, and ended in order.
//!
//! Only wiring lives here: what each part does is its crate's.

use std::time::Duration;

use anyhow::Context;
use confocal::conference::ConferenceEvent;
use confocal_store::SqliteStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::status::{self, Board};

/// How long open connections and unfinished turns may hold up the end.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the focus until SIGTERM or SIGINT.
///
/// # Errors
///
/// When a part can't be started, or fails while it runs.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    // Taken first, so that a signal during the start is not lost.
    let stop = Stop::by_signal()?;
    let store = SqliteStore::open(&config.store.path)?;
    let listener = bind(config.appservice.listen, "appservice.listen").await?;

    let (news, heard) = mpsc::unbounded_channel();
    let board = Board::default();
    tokio::spawn(board.clone().follow(heard));
    let status = match config.status.listen {
        Some(address) => {
            let listener = bind(address, "status.listen").await?;
            let token = config.status.token.clone();
            Some(tokio::spawn(status::serve(listener, board, token, stop.clone().requested())))
        }
        None => None,
    };

    let parts = async {
        tokio::try_join!(conference(&config, store, listener, news, stop.clone()), async {
            match status {
                Some(server) => server.await?.context("the status server failed"),
                None => Ok(()),
            }
        })
    };
    tokio::select! {
        ended = parts => ended.map(|_| ()),
        () = overdue(stop.clone()) => {
            tracing::warn!(grace = ?GRACE, "not everything ended in time");
            Ok(())
        }
    }
}

/// Puts machine, store, signalling and media together and drives them until the stop is requested; if they end of their
/// own, that is an error.
#[expect(clippy::unused_async, reason = "it will wait for the driver")]
async fn conference(
    config: &Config,
    store: SqliteStore,
    listener: TcpListener,
    news: mpsc::UnboundedSender<ConferenceEvent>,
    stop: Stop,
) -> anyhow::Result<()> {
    let _ = (config, store, listener, news, stop);
    anyhow::bail!("this build has no conference driver yet")
}

async fn bind(address: std::net::SocketAddr, key: &'static str) -> anyhow::Result<TcpListener> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("{key}: can't listen on {address}"))?;
    tracing::info!(address = %listener.local_addr()?, key, "listening");
    Ok(listener)
}

/// Ends when the stop was requested and the time for it is over.
async fn overdue(stop: Stop) {
    stop.requested().await;
    tokio::time::sleep(GRACE).await;
}

/// The wish that the process ends, which every part can wait for.
#[derive(Clone, Debug)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    /// One that SIGTERM and SIGINT request. A second signal ends nothing sooner: [`GRACE`] does.
    fn by_signal() -> anyhow::Result<Self> {
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be waited for")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT can't be waited for")?;
        let (request, requested) = watch::channel(false);
        tokio::spawn(async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            tracing::info!(signal = name, "ending");
            request.send_replace(true);
        });
        Ok(Self(requested))
    }

    /// Ends when the stop is requested.
    async fn requested(mut self) {
        // The sender is dropped only after the request was made, so an error says the same.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}
