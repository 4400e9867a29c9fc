//! Plain HTTP with JSON bodies, to servers on this machine. No TLS, hence no choice of a provider for it.

use axum::body::Body;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A client; clones share their connections.
#[derive(Clone, Debug)]
pub struct Http(Client<HttpConnector, Body>);

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Http {
    /// A client without connections yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request with a JSON body, or none, and reads a JSON answer; an empty or other body is `null`.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no answer. An answer of any status is no error.
    pub async fn json(
        &self,
        method: Method,
        url: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), HttpError> {
        let mut request = Request::builder().method(method).uri(url);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        let request = request.map_err(|source| HttpError::Malformed { url: url.to_owned(), source })?;
        let (head, body) = self.send(request).await?.into_parts();
        let bytes =
            body.collect().await.map_err(|source| HttpError::Broken { url: url.to_owned(), source })?;
        Ok((head.status, serde_json::from_slice(&bytes.to_bytes()).unwrap_or(Value::Null)))
    }

    /// Whether a GET of `url` is answered with a 2xx status.
    pub async fn is_up(&self, url: &str) -> bool {
        self.json(Method::GET, url, None, None).await.is_ok_and(|(status, _)| status.is_success())
    }

    /// Sends any request; its URI must be absolute.
    ///
    /// # Errors
    ///
    /// [`HttpError`] when there is no answer.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, HttpError> {
        let url = request.uri().to_string();
        let answer =
            self.0.request(request).await.map_err(|source| HttpError::Unreachable { url, source })?;
        Ok(answer.map(Body::new))
    }
}

/// A request got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The URL or a header is no such thing.
    #[error("not a request: {url}")]
    Malformed {
        /// The URL.
        url: String,
        /// What is wrong with it.
        source: http::Error,
    },
    /// Nobody answered.
    #[error("no answer from {url}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What happened.
        source: hyper_util::client::legacy::Error,
    },
    /// The answer broke off.
    #[error("the answer from {url} broke off")]
    Broken {
        /// The URL.
        url: String,
        /// What happened.
        source: axum::Error,
    },
}
