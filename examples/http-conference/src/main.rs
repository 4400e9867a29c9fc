//! `http-conference --listen 127.0.0.1:8080`: conferences over HTTP, until SIGINT or SIGTERM. See the library.
#![expect(clippy::print_stdout, reason = "where it listens is what whoever started it wants to know")]

use std::net::{IpAddr, SocketAddr};

use anyhow::Context as _;
use clap::Parser;
use http_conference::{Layout, Settings, conference};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What is logged unless `RUST_LOG` says otherwise: the stack below warns of what is usual while a call connects.
const LOG: &str = "warn,rtc=error,rtc_dtls=error,rtc_ice=error";

/// Conferences over HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to serve HTTP; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// An address on which media is received; may be given several times.
    #[arg(long, default_value = "127.0.0.1")]
    media: Vec<IpAddr>,
    /// The address that callers are told instead, behind a 1:1 NAT.
    #[arg(long)]
    advertise: Option<IpAddr>,
    /// Calls at a time, over all conferences.
    #[arg(long, default_value_t = 500)]
    max_callers: usize,
    /// How pictures are shown.
    #[arg(long, value_enum, default_value_t = Layout::Speaker)]
    layout: Layout,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| LOG.into());
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).init();
    let (end, ended) = watch::channel(false);
    let stop = |mut ended: watch::Receiver<bool>| async move {
        // The other end is held until the end of this function.
        let _ = ended.wait_for(|ended| *ended).await;
    };
    let settings = Settings {
        media: arguments.media,
        advertise: arguments.advertise,
        max_callers: arguments.max_callers,
        layout: arguments.layout,
    };
    let (routes, running) = conference(&settings, stop(ended.clone()))?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("can't listen on {}", arguments.listen))?;
    println!("http://{} process {}", listener.local_addr()?, std::process::id());
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        end.send_replace(true);
        // A second signal ends it the hard way.
        let _ = interrupt.recv().await;
        std::process::exit(130);
    });
    tokio::try_join!(running, async {
        axum::serve(listener, routes).with_graceful_shutdown(stop(ended)).await.context("the listener failed")
    })?;
    Ok(())
}
