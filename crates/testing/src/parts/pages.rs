//! A web server for pages on this machine: the files of a folder, and whatever routes its user adds.

use std::path::Path;

use axum::Router;
use http::{HeaderName, HeaderValue, header};
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;

use super::{Places, StartError};

/// A running web server; dropping it stops it.
#[derive(Debug)]
pub struct PageServer {
    base_url: String,
    server: JoinHandle<()>,
}

impl PageServer {
    /// Serves the built pages (`/person.html` is the one for tests) on a free port.
    ///
    /// # Errors
    ///
    /// [`StartError::NotInstalled`] when they are not built, [`StartError::Port`].
    pub async fn start(places: &Places) -> Result<Self, StartError> {
        let folder = places.web();
        if !folder.join("person.html").is_file() {
            return Err(StartError::NotInstalled { what: "the built pages", path: folder });
        }
        Self::with_routes(&folder, 0, Router::new()).await
    }

    /// Serves the files of `folder` where none of `routes` matches, on `port` of 127.0.0.1 (0: a free one).
    ///
    /// # Errors
    ///
    /// [`StartError::Port`].
    pub async fn with_routes(folder: &Path, port: u16, routes: Router) -> Result<Self, StartError> {
        // Pages change between two runs on the same port.
        let fresh: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let files = axum::routing::get_service(ServeDir::new(folder));
        let router = routes.fallback_service(files).layer(axum::middleware::map_response(
            move |mut response: axum::response::Response| {
                let (name, value) = fresh.clone();
                response.headers_mut().insert(name, value);
                std::future::ready(response)
            },
        ));
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(StartError::Port)?;
        let base_url = format!("http://{}", listener.local_addr().map_err(StartError::Port)?);
        let server = tokio::spawn(async move {
            // It ends only when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url, server })
    }

    /// The base URL, without a slash at the end. Browsers hold 127.0.0.1 to be secure, so pages may use the microphone.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
