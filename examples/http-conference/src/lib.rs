//! Conferences over plain HTTP, with no Matrix in them: for embedders with signalling of their own, and as the thing that load is put on.
//!
//! The machine, the driver and the engine are those of the focus, with their real settings. What takes Matrix's place is
//! `signalling`: a conference's name stands for a group room, and each caller has a room of their own with the focus, known to
//! nobody else. Whoever knows the name is a member. An offer comes by `POST`, the answer goes in its reply, in the shape of WHIP
//! (RFC 9725), which is meant for one direction and is used here for both:
//!
//! | Request | What it does |
//! |---|---|
//! | `POST /conferences/{name}` | an SDP offer; 201 with the answer, and in `Location` what stands for the call from then on. `?name=Anna` is what the caller is called where pictures are composed |
//! | `PATCH /conferences/{name}/{leg}` | more candidates, as a fragment (RFC 8840); 204 |
//! | `DELETE /conferences/{name}/{leg}` | hangs up; 200 |
//! | `GET /` | a page that lets a browser join |
//! | `GET /stats` | what engine, calls and process do, in JSON |
//!
//! Nothing is kept over a restart, and there is no access rule but the name: it is an example, to run on a machine of one's own.

mod calls;
mod engine;
mod fragment;
mod process;
mod routes;
mod signalling;
mod stats;

use std::future::Future;
use std::net::IpAddr;

use anyhow::Context as _;
use axum::Router;
use confocal::conference::{Config, Discovery, LayoutChoice, Limits, Pictures};
use confocal::ports::{Inbox, ReportSink};
use confocal::{Clock, Driver, Parts};
use confocal_media::{Engine, EngineConfig};
use confocal_store::MemoryStore;
use confocal_transport::TransportConfig;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::calls::Calls;
use crate::engine::SharedEngine;
use crate::routes::Service;
use crate::signalling::HttpSignalling;
use crate::stats::Board;

/// Offers that may wait for their turn with the driver; further ones wait in their connections.
const OFFERS_WAITING: usize = 64;

/// What an operator may choose.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Addresses on which media is received.
    pub media: Vec<IpAddr>,
    /// The address that callers are told instead, behind a 1:1 NAT.
    pub advertise: Option<IpAddr>,
    /// Calls at a time, over all conferences.
    pub max_callers: usize,
    /// How pictures are shown, in all conferences.
    pub layout: Layout,
}

/// How pictures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// Who speaks, forwarded as it comes.
    #[default]
    Speaker,
    /// All side by side, in one composed picture.
    Grid,
    /// The grid while few are in a conference and the machine has the time for it, else who speaks.
    Auto,
}

impl From<Layout> for LayoutChoice {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Speaker => Self::Speaker,
            Layout::Grid => Self::Grid,
            Layout::Auto => Self::Auto,
        }
    }
}

impl Settings {
    /// What the engine is told.
    fn engine(&self) -> EngineConfig {
        let transport = TransportConfig {
            listen: self.media.clone(),
            advertise: self.advertise,
            // Callers of an example are on the same machine, or the same network.
            allow_private: true,
            ..TransportConfig::default()
        };
        let mut engine = EngineConfig { transport, ..EngineConfig::default() };
        engine.legs_max = self.max_callers;
        // One conference may have them all.
        engine.mixer.legs_max = self.max_callers;
        engine
    }

    /// What the machine is told: its defaults, but for what counts people. All of them are of one server here; how many there are over all
    /// conferences is bounded by the engine.
    fn machine(&self) -> Config {
        let limits = Limits {
            participants_per_conference: self.max_callers,
            legs_per_conference: self.max_callers,
            calls_per_server: usize::MAX,
            ..Limits::default()
        };
        // There is no room whose state could announce anything.
        let discovery = Discovery { announce: false, count_out: false, ..Discovery::default() };
        let pictures = Pictures { layout: self.layout.into(), ..Pictures::default() };
        Config { limits, discovery, pictures, ..Config::default() }
    }
}

/// Puts machine, engine and signalling together: the routes to serve, and what has to run beside them until `stop`.
///
/// # Errors
///
/// When a part can't be started.
pub fn conference(
    settings: &Settings,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<(Router, impl Future<Output = anyhow::Result<()>> + Send + 'static)> {
    let (inbox, mailbox) = Inbox::new(OFFERS_WAITING);
    let (sink, reports) = ReportSink::new();
    let engine = SharedEngine::new(Engine::start(settings.engine(), sink, Handle::current())?);
    let (news, heard) = mpsc::unbounded_channel();
    let calls = Calls::default();
    let driver = Driver::new(Parts {
        signalling: HttpSignalling::new(calls.clone()),
        engine: engine.clone(),
        reports,
        store: MemoryStore::new().context("the system has no random numbers")?,
        mailbox,
        news,
        clock: Clock::system(),
        config: settings.machine(),
        seed: getrandom::u64().context("the system has no random numbers")?,
    })?;
    let board = Board::default();
    let routes = routes::router(Service { inbox, calls, engine: engine.clone(), board: board.clone() });
    let running = async move {
        let following = tokio::spawn(board.follow(heard));
        let ended = driver.run(stop).await;
        following.abort();
        engine.shutdown().await;
        Ok(ended?)
    };
    Ok((routes, running))
}
