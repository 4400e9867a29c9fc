//! How calls are placed: each kind of conference server has its own way, behind one face.

mod http;
mod janus;

use ::http::{HeaderMap, Method, Request, StatusCode, Uri, header};
use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub use self::http::HttpTarget;
pub use self::janus::JanusTarget;

/// The longest reply that is read.
const MAX_REPLY_BYTES: usize = 1 << 20;

/// A conference server.
#[derive(Debug)]
pub enum Target {
    /// Confocal's `http-conference`.
    Http(HttpTarget),
    /// Janus with its AudioBridge.
    Janus(JanusTarget),
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub struct Call {
    /// The answer.
    pub answer: String,
    /// By what the target knows the call.
    pub address: String,
}

impl Target {
    /// Places a call for conference `conference`; `caller` is the number of whoever calls, and names them where names are shown.
    ///
    /// # Errors
    ///
    /// When the target can't be reached, or refuses; what it says is in the error.
    pub async fn call(&self, conference: usize, caller: usize, offer: &str) -> anyhow::Result<Call> {
        match self {
            Self::Http(target) => target.call(conference, caller, offer).await,
            Self::Janus(target) => target.call(conference, offer).await,
        }
    }

    /// Ends a call.
    ///
    /// # Errors
    ///
    /// When the target can't be reached, or does not know the call.
    pub async fn hang_up(&self, call: &Call) -> anyhow::Result<()> {
        match self {
            Self::Http(target) => target.hang_up(call).await,
            Self::Janus(target) => target.hang_up(call).await,
        }
    }
}

/// Plain HTTP to one server.
#[derive(Clone, Debug)]
struct Web {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Web {
    fn new(base: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, base: base.trim_end_matches('/').to_owned() }
    }

    async fn ask(&self, method: Method, path: &str, kind: &str, body: String) -> anyhow::Result<Reply> {
        let uri: Uri = format!("{}{path}", self.base).parse().context("the target's address")?;
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header(header::CONTENT_TYPE, kind)
            .body(Full::new(Bytes::from(body)))?;
        let response = self.client.request(request).await.with_context(|| format!("asking {}", self.base))?;
        let (parts, body) = response.into_parts();
        let bytes = Limited::new(body, MAX_REPLY_BYTES)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!("reading the reply of {}: {error}", self.base))?
            .to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Reply { status: parts.status, headers: parts.headers, text })
    }
}
