//! `embed-in-a-bridge registration SERVER HOMESERVER_URL ADDRESS` prints the registration for the homeserver, `embed-in-a-bridge run …` runs
//! the bridge. The tokens are in the environment, in `AS_TOKEN` and `HS_TOKEN`; conferences are kept in `bridge.db`.
#![expect(clippy::print_stdout, reason = "the registration is what it is asked for")]

use anyhow::{Context, bail};
use confocal_signalling::Secret;
use embed_in_a_bridge::{Settings, run};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, server_name, homeserver_url, listen] = arguments.as_slice() else {
        bail!("usage: embed-in-a-bridge registration|run SERVER HOMESERVER_URL ADDRESS");
    };
    let token = |name| std::env::var(name).map(Secret::new).with_context(|| format!("{name} is not set"));
    let settings = Settings {
        server_name: server_name.as_str().try_into().context("the server's name")?,
        homeserver_url: homeserver_url.clone(),
        listen: listen.parse().context("the address to listen on")?,
        as_token: token("AS_TOKEN")?,
        hs_token: token("HS_TOKEN")?,
        store: "bridge.db".into(),
    };
    match command.as_str() {
        "registration" => println!("{:#}", settings.registration()?),
        "run" => run(TcpListener::bind(settings.listen).await?, &settings).await?,
        other => bail!("`{other}` is neither `registration` nor `run`"),
    }
    Ok(())
}
