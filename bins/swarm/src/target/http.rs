//! `http-conference`: an offer by `POST`, the answer in its reply (RFC 9725).

use anyhow::{Context as _, ensure};
use http::{Method, StatusCode, header};

use super::{Call, Web};

/// A server of `http-conference`.
#[derive(Clone, Debug)]
pub struct HttpTarget {
    web: Web,
}

impl HttpTarget {
    /// The one at `url`, such as `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self { web: Web::new(url) }
    }

    pub(super) async fn call(&self, conference: usize, caller: usize, offer: &str) -> anyhow::Result<Call> {
        let path = format!("/conferences/swarm-{conference}?name=caller-{}", caller + 1);
        let reply = self.web.ask(Method::POST, &path, "application/sdp", offer.to_owned()).await?;
        ensure!(
            reply.status == StatusCode::CREATED,
            "the call was refused ({}): {}",
            reply.status,
            reply.text.trim()
        );
        let address = reply.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
        Ok(Call { address: address.context("the reply has no Location")?.to_owned(), answer: reply.text })
    }

    pub(super) async fn hang_up(&self, call: &Call) -> anyhow::Result<()> {
        let reply = self.web.ask(Method::DELETE, &call.address, "text/plain", String::new()).await?;
        ensure!(reply.status.is_success(), "hanging up: {} {}", reply.status, reply.text.trim());
        Ok(())
    }
}
