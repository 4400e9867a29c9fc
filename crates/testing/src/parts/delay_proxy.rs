//! A reverse proxy that holds chosen requests up, or answers them itself: between a focus and its homeserver, or the other way.
//! Everything else it passes on unchanged.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode, Uri, header};
use tokio::task::JoinHandle;

use super::{Http, StartError};

/// The largest body that is looked through: more than any homeserver takes or gives in one request.
const WATCHED_MAX: usize = 64 << 20;

/// What happens to a request that a rule is for.
#[derive(Clone, Debug)]
pub enum Meanwhile {
    /// It is passed on after this time.
    Delay(Duration),
    /// It is not passed on; this is the answer.
    Answer(StatusCode, serde_json::Value),
    /// It is passed on, and its answer is lost: the connection ends as after a 502.
    LoseAnswer,
    /// It is passed on twice, one after the other; the second answer is given.
    Twice,
    /// It is not passed on and never answered: whoever sent it waits until it has enough.
    Hang,
}

/// Which requests, and what happens to them.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Of this method; `None`: of any.
    pub method: Option<Method>,
    /// Whose path, as it was sent (percent-encoded, without the query), contains all of these.
    pub path_has: Vec<String>,
    /// What happens.
    pub meanwhile: Meanwhile,
    /// For so many requests at most; `None`: for all.
    pub times: Option<u32>,
}

impl Rule {
    /// Delays requests of a method whose path contains `path_has`.
    #[must_use]
    pub fn delay(method: Method, path_has: &str, by: Duration) -> Self {
        Self {
            method: Some(method),
            path_has: vec![path_has.to_owned()],
            meanwhile: Meanwhile::Delay(by),
            times: None,
        }
    }

    fn is_for(&self, method: &Method, path: &str) -> bool {
        self.times != Some(0)
            && self.method.as_ref().is_none_or(|own| own == method)
            && self.path_has.iter().all(|part| path.contains(part))
    }
}

/// A running proxy; dropping it stops it.
#[derive(Debug)]
pub struct DelayProxy {
    base_url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    http: Http,
    upstream: String,
    rules: Mutex<Vec<Rule>>,
    applied: Mutex<Vec<(Method, String)>>,
    watched: Mutex<Option<String>>,
    seen: Mutex<Vec<Instant>>,
}

impl DelayProxy {
    /// Starts a proxy on a free port before the server at `upstream` (a base URL, without a slash at the end), which need not
    /// run yet.
    ///
    /// # Errors
    ///
    /// [`StartError::Port`].
    pub async fn start(upstream: &str) -> Result<Self, StartError> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(StartError::Port)?;
        let base_url = format!("http://{}", listener.local_addr().map_err(StartError::Port)?);
        let shared = Arc::new(Shared {
            http: Http::new(),
            upstream: upstream.to_owned(),
            rules: Mutex::default(),
            applied: Mutex::default(),
            watched: Mutex::default(),
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It ends only when it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { base_url, shared, server })
    }

    /// The base URL to use instead of the upstream's.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Adds a rule. The first that is for a request applies to it; one that is delayed already stays so.
    pub fn add(&self, rule: Rule) {
        lock(&self.shared.rules).push(rule);
    }

    /// Takes all rules away.
    pub fn clear(&self) {
        lock(&self.shared.rules).clear();
    }

    /// Looks from now on for `text` in what passes: a request's path or body, or an answer's body.
    pub fn watch_for(&self, text: &str) {
        *lock(&self.shared.watched) = Some(text.to_owned());
        lock(&self.shared.seen).clear();
    }

    /// When the watched text passed: on its way to whom the proxy is before, or back.
    #[must_use]
    pub fn seen(&self) -> Vec<Instant> {
        lock(&self.shared.seen).clone()
    }

    /// The requests that a rule was applied to, when they came.
    #[must_use]
    pub fn applied(&self) -> Vec<(Method, String)> {
        lock(&self.shared.applied).clone()
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn rule_for(&self, method: &Method, path: &str) -> Option<Meanwhile> {
        let mut rules = lock(&self.rules);
        let rule = rules.iter_mut().find(|rule| rule.is_for(method, path))?;
        rule.times = rule.times.map(|times| times.saturating_sub(1));
        lock(&self.applied).push((method.clone(), path.to_owned()));
        Some(rule.meanwhile.clone())
    }

    /// Looks through a body that passes, if anything is watched for; the moment is that at which it is passed on.
    async fn look<B>(&self, path: &str, body: B) -> Result<Body, axum::Error>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let Some(watched) = lock(&self.watched).clone() else { return Ok(Body::new(body)) };
        let bytes = axum::body::to_bytes(Body::new(body), WATCHED_MAX).await?;
        if path.contains(&watched) || bytes.windows(watched.len()).any(|part| part == watched.as_bytes()) {
            lock(&self.seen).push(Instant::now());
        }
        Ok(Body::from(bytes))
    }
}

async fn pass_on(State(shared): State<Arc<Shared>>, mut request: Request) -> Response {
    let rule = shared.rule_for(request.method(), request.uri().path());
    match &rule {
        Some(Meanwhile::Delay(by)) => tokio::time::sleep(*by).await,
        Some(Meanwhile::Answer(status, body)) => return (*status, axum::Json(body.clone())).into_response(),
        Some(Meanwhile::Hang) => std::future::pending().await,
        Some(Meanwhile::LoseAnswer | Meanwhile::Twice) | None => {}
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("{}{path}", shared.upstream).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    *request.uri_mut() = uri;
    // The client sets the one of the upstream, and how the body is sent on is each connection's own.
    request.headers_mut().remove(header::HOST);
    request.headers_mut().remove(header::TRANSFER_ENCODING);
    let path = request.uri().path().to_owned();
    let (head, body) = request.into_parts();
    let Ok(mut body) = shared.look(&path, body).await else { return StatusCode::BAD_REQUEST.into_response() };
    if let Some(Meanwhile::Twice) = rule {
        let Ok(bytes) = axum::body::to_bytes(body, WATCHED_MAX).await else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        // What comes of the first does not matter.
        let _ = shared.http.send(Request::from_parts(head.clone(), Body::from(bytes.clone()))).await;
        body = Body::from(bytes);
    }
    let answer = shared.http.send(Request::from_parts(head, body)).await;
    let (Ok(answer), false) = (answer, matches!(rule, Some(Meanwhile::LoseAnswer))) else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::TRANSFER_ENCODING);
    match shared.look("", body).await {
        Ok(body) => Response::from_parts(head, body),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// A panic elsewhere does not spoil what is kept here: each change is one statement.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::extract::Request;
    use axum::routing::any;
    use serde_json::{Value, json};

    use super::*;

    /// Answers with what it was asked.
    async fn echo() -> String {
        let echo = async |request: Request| {
            let (method, uri) = (request.method().to_string(), request.uri().to_string());
            let token =
                request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            let body = axum::body::to_bytes(request.into_body(), 1000).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap_or_default();
            (StatusCode::CREATED, axum::Json(json!({ "m": method, "u": uri, "t": token, "b": body })))
        };
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(any(echo));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    #[tokio::test]
    async fn requests_pass_unchanged_and_answers_too() {
        let proxy = DelayProxy::start(&echo().await).await.unwrap();
        let url = format!("{}/a%2Fb/c?d=%40e", proxy.base_url());
        let body = json!({ "x": 1 });
        let (status, answer) =
            Http::new().json(Method::PUT, &url, Some("secret"), Some(&body)).await.unwrap();
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(answer, json!({ "m": "PUT", "u": "/a%2Fb/c?d=%40e", "t": "Bearer secret", "b": body }));
        assert!(proxy.applied().is_empty());
    }

    #[tokio::test]
    async fn only_the_requests_of_a_rule_are_held_up_and_only_so_often() {
        let proxy = DelayProxy::start(&echo().await).await.unwrap();
        let by = Duration::from_millis(400);
        proxy.add(Rule { times: Some(1), ..Rule::delay(Method::POST, "/join/", by) });
        let http = Http::new();
        let time = async |method: Method, path: &str| {
            let from = Instant::now();
            http.json(method, &format!("{}{path}", proxy.base_url()), None, None).await.unwrap();
            from.elapsed()
        };
        assert!(time(Method::GET, "/join/x").await < by, "another method");
        assert!(time(Method::POST, "/leave/x").await < by, "another path");
        assert!(time(Method::POST, "/join/x").await >= by);
        assert!(time(Method::POST, "/join/x").await < by, "used up");
        assert_eq!(proxy.applied(), [(Method::POST, "/join/x".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_watched_for_is_seen_in_paths_bodies_and_answers() {
        let proxy = DelayProxy::start(&echo().await).await.unwrap();
        let send = async |path: &str, body: Value| {
            let url = format!("{}{path}", proxy.base_url());
            Http::new().json(Method::PUT, &url, None, Some(&body)).await.unwrap();
        };
        send("/before", json!("needle")).await;
        proxy.watch_for("needle");
        send("/x", json!("hay")).await;
        assert_eq!(proxy.seen().len(), 0);
        // Once on its way there, once in what the other side echoes.
        send("/needle", json!("hay")).await;
        assert_eq!(proxy.seen().len(), 2);
        send("/x", json!("needle")).await;
        assert_eq!(proxy.seen().len(), 4);
    }

    #[tokio::test]
    async fn what_is_passed_on_twice_arrives_twice_and_what_hangs_does_not() {
        let (sender, mut arrived) = tokio::sync::mpsc::unbounded_channel();
        let note = async move |body: Bytes| sender.send(body).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let upstream = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(any(note));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let proxy = DelayProxy::start(&upstream).await.unwrap();
        for (path, meanwhile) in [("/twice", Meanwhile::Twice), ("/hang", Meanwhile::Hang)] {
            proxy.add(Rule { method: None, path_has: vec![path.to_owned()], meanwhile, times: None });
        }
        let http = Http::new();
        let put = async |path: &str| {
            let url = format!("{}{path}", proxy.base_url());
            http.json(Method::PUT, &url, None, Some(&json!(path))).await.unwrap().0
        };
        assert_eq!(put("/twice").await, StatusCode::OK);
        let hanging = tokio::time::timeout(Duration::from_millis(300), put("/hang")).await;
        assert!(hanging.is_err());
        put("/once").await;
        let mut bodies = Vec::new();
        while let Ok(body) = arrived.try_recv() {
            bodies.push(body);
        }
        assert_eq!(bodies, [r#""/twice""#, r#""/twice""#, r#""/once""#]);
    }

    #[tokio::test]
    async fn a_rule_may_answer_itself() {
        let proxy = DelayProxy::start(&echo().await).await.unwrap();
        let meanwhile = Meanwhile::Answer(StatusCode::TOO_MANY_REQUESTS, json!({ "retry_after_ms": 5 }));
        proxy.add(Rule { method: None, path_has: vec!["/send/".into()], meanwhile, times: None });
        let url = format!("{}/send/x", proxy.base_url());
        let (status, answer) = Http::new().json(Method::PUT, &url, None, None).await.unwrap();
        assert_eq!((status, answer), (StatusCode::TOO_MANY_REQUESTS, json!({ "retry_after_ms": 5 })));
        proxy.clear();
        assert_eq!(Http::new().json(Method::PUT, &url, None, None).await.unwrap().0, StatusCode::CREATED);
    }
}
