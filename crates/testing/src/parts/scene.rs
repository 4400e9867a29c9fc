//! A homeserver and a focus that reach each other through proxies: what every test and every measurement stands on.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use toml::Table;

use super::synapse::server_name;
use super::{DelayProxy, FocusOptions, FocusProcess, Places, StartError, Synapse, SynapsePorts, free_port};

/// Everything running. What is dropped first ends first: the homeserver outlives the focus.
#[derive(Debug)]
pub struct Scene {
    /// Where logs and data lie.
    pub directory: PathBuf,
    /// The focus.
    pub focus: FocusProcess,
    /// The homeserver.
    pub synapse: Synapse,
    /// From the focus to the homeserver.
    pub requests: DelayProxy,
    /// From the homeserver to the focus.
    pub transactions: DelayProxy,
}

impl Scene {
    /// Starts everything in a new folder named after `name`; `binary` is the focus program, `settings` its own settings.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(
        places: &Places,
        name: &str,
        binary: &Path,
        settings: Table,
    ) -> Result<Self, StartError> {
        Self::start_with(places, name, binary, settings, &Value::Null).await
    }

    /// The same with `homeserver_settings` over what the homeserver's configuration has anyway, as of a relay
    /// ([`super::Turn::homeserver_settings`]) or another `server_name`.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_with(
        places: &Places,
        name: &str,
        binary: &Path,
        settings: Table,
        homeserver_settings: &Value,
    ) -> Result<Self, StartError> {
        let ports = SynapsePorts { client: free_port()?, federation: None };
        Self::start_on(ports, places, name, binary, settings, homeserver_settings).await
    }

    /// The same, and a second homeserver without a focus: the two are in federation.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start_in_federation(
        places: &Places,
        name: &str,
        binary: &Path,
        settings: Table,
    ) -> Result<(Self, Synapse), StartError> {
        let ports = || Ok(SynapsePorts { client: free_port()?, federation: Some(free_port()?) });
        let scene = Self::start_on(ports()?, places, name, binary, settings, &Value::Null).await?;
        let elsewhere = scene.directory.join("elsewhere");
        let other = Synapse::start_on(places, &elsewhere, ports()?, &[], &Value::Null).await?;
        Ok((scene, other))
    }

    async fn start_on(
        ports: SynapsePorts,
        places: &Places,
        name: &str,
        binary: &Path,
        settings: Table,
        homeserver_settings: &Value,
    ) -> Result<Self, StartError> {
        let directory = places.scratch(name)?;
        let requests = DelayProxy::start(&format!("http://127.0.0.1:{}", ports.client)).await?;
        let (homeserver_url, server_name) =
            (requests.base_url().to_owned(), server_name(ports, homeserver_settings));
        let options = FocusOptions { homeserver_url, server_name, settings };
        let mut focus = FocusProcess::prepare(binary, &directory, &options).await?;
        let transactions = proxy_before_focus(&focus.registration()).await?;
        let registrations = [focus.registration()];
        let synapse =
            Synapse::start_on(places, &directory, ports, &registrations, homeserver_settings).await?;
        focus.start().await?;
        Ok(Self { directory, focus, synapse, requests, transactions })
    }
}

/// Puts a proxy between the homeserver and the focus, by what the registration says.
async fn proxy_before_focus(registration: &Path) -> Result<DelayProxy, StartError> {
    let file_error = |source| StartError::File { path: registration.to_path_buf(), source };
    let text = fs::read_to_string(registration).map_err(file_error)?;
    let url = text
        .lines()
        .find_map(|line| line.strip_prefix("url:"))
        .map(|url| url.trim().trim_matches(['"', '\'']).to_owned())
        .unwrap_or_default();
    let proxy = DelayProxy::start(&url).await?;
    fs::write(registration, text.replace(&url, proxy.base_url())).map_err(file_error)?;
    Ok(proxy)
}
