//! The focus put together, run, and ended in order.
//!
//! Only wiring lives here: what each part does is its crate's.

use std::time::Duration;

use anyhow::Context;
use confocal::conference::{ConferenceEvent, Input};
use confocal::ports::{Batch, Inbox, ReportSink};
use confocal::{Clock, Driver, Parts};
use confocal_media::{Engine, EngineConfig, OwnSounds, StartError};
use confocal_signalling::Adapter;
use confocal_store::SqliteStore;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::parts;
use crate::status::{self, Board};

/// How long open connections and unfinished turns may hold up the end.
const GRACE: Duration = Duration::from_secs(10);

/// Homeserver transactions that may wait for their turn; the homeserver itself has one under way at a time.
const TRANSACTIONS_WAITING: usize = 16;

/// Runs the focus until SIGTERM or SIGINT, with the sounds that the configuration names.
///
/// # Errors
///
/// When a part can't be started, or fails while it runs.
pub(crate) async fn run(config: Config, sounds: OwnSounds) -> anyhow::Result<()> {
    // Taken first, so that a signal during the start is not lost.
    let stop = Stop::by_signal()?;
    let store = SqliteStore::open(&config.store.path)?;
    let listener = bind(config.appservice.listen, "appservice.listen").await?;

    let (news, heard) = mpsc::unbounded_channel();
    let board = Board::default();
    tokio::spawn(board.clone().follow(heard));
    let (greeted, ready) = watch::channel(false);
    let status = match config.status.listen {
        Some(address) => {
            let listener = bind(address, "status.listen").await?;
            let token = config.status.token.clone();
            let server = tokio::spawn(status::serve(listener, board, token, ready, stop.clone().requested()));
            Some(async { server.await? })
        }
        None => None,
    };

    let parts = async {
        let engine = EngineConfig { sounds, ..parts::engine(&config)? };
        tokio::try_join!(conference(&config, engine, store, listener, news, greeted, stop.clone()), async {
            match status {
                Some(server) => stop.ends("the status server", server).await,
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
async fn conference(
    config: &Config,
    engine: EngineConfig,
    store: SqliteStore,
    listener: TcpListener,
    news: mpsc::UnboundedSender<ConferenceEvent>,
    greeted: watch::Sender<bool>,
    stop: Stop,
) -> anyhow::Result<()> {
    let adapter = Adapter::new(parts::adapter(config)?)?;
    let (inbox, mailbox) = Inbox::new(TRANSACTIONS_WAITING);
    let (sink, reports) = ReportSink::new();
    let engine = Engine::start(engine, sink, Handle::current());
    let engine = engine.map_err(|error| {
        let of_recordings = matches!(error, StartError::Recordings { .. });
        let error = anyhow::Error::new(error);
        if of_recordings { error.context("recording.directory") } else { error }
    })?;
    let driver = Driver::new(Parts {
        signalling: adapter.clone(),
        engine,
        reports,
        store,
        mailbox,
        news,
        clock: Clock::system(),
        config: parts::machine(config),
        seed: parts::seed()?,
    })?;
    let listening =
        axum::serve(listener, adapter.router(inbox.clone())).with_graceful_shutdown(stop.clone().requested());
    tokio::spawn(keep_in_touch(adapter, inbox, greeted, stop.clone()));
    tokio::try_join!(
        stop.ends("the conference driver", driver.run(stop.clone().requested())),
        stop.ends("the application service's listener", listening.into_future()),
    )?;
    Ok(())
}

/// Keeps the way to the homeserver open until the stop. When it has been for the first time, that is told, and what no event tells is
/// asked for.
async fn keep_in_touch(adapter: Adapter, inbox: Inbox, greeted: watch::Sender<bool>, stop: Stop) {
    let mut first = greeted.subscribe();
    let look_around = async {
        // The other end is ours, and without a driver to take the batch the program is about to end.
        let _ = first.wait_for(|greeted| *greeted).await;
        let _ = inbox.submit(Batch { id: None, inputs: vec![Input::CameBack] }).await;
        std::future::pending::<()>().await;
    };
    let tell = || {
        greeted.send_replace(true);
    };
    tokio::select! {
        () = adapter.keep_in_touch(tell) => {}
        () = look_around => {}
        () = stop.requested() => {}
    }
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

    /// Waits for a part to end as it should: without an error, and not before the stop was requested.
    async fn ends<E>(&self, name: &str, part: impl Future<Output = Result<(), E>>) -> anyhow::Result<()>
    where
        Result<(), E>: Context<(), E>,
    {
        part.await.with_context(|| format!("{name} failed"))?;
        anyhow::ensure!(*self.0.borrow(), "{name} ended of its own");
        Ok(())
    }

    /// Ends when the stop is requested.
    async fn requested(mut self) {
        // The sender is dropped only after the request was made, so an error says the same.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_unasked_has_failed() {
        let (request, requested) = watch::channel(false);
        let stop = Stop(requested);
        let ends = |result: Result<(), std::io::Error>| {
            let stop = stop.clone();
            async move { stop.ends("the part", async { result }).await.map_err(|fault| format!("{fault:#}")) }
        };
        let broken = || Err(std::io::Error::other("broken"));

        assert_eq!(ends(Ok(())).await, Err("the part ended of its own".to_owned()));
        assert_eq!(ends(broken()).await, Err("the part failed: broken".to_owned()));
        request.send_replace(true);
        assert_eq!(ends(Ok(())).await, Ok(()));
        assert_eq!(ends(broken()).await, Err("the part failed: broken".to_owned()));
    }
}
