//! The server asked over a real socket.

use std::net::SocketAddr;

use confocal::conference::{ConferenceId, RoomKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::*;

/// A running server: its address, where it is told news, how it is ended.
struct Served {
    address: SocketAddr,
    news: mpsc::UnboundedSender<ConferenceEvent>,
    noted: tokio::task::JoinHandle<()>,
    ready: watch::Sender<bool>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<io::Result<()>>,
}

async fn started() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (news, heard) = mpsc::unbounded_channel();
    let board = Board::default();
    let noted = tokio::spawn(board.clone().follow(heard));
    let (stop, stopped) = oneshot::channel();
    let shutdown = async { stopped.await.unwrap() };
    let (ready, is_ready) = watch::channel(false);
    let ended = tokio::spawn(serve(listener, board, Secret::new("s3cret"), is_ready, shutdown));
    Served { address, news, noted, ready, stop, ended }
}

/// Status line and body of an answer.
async fn ask(address: SocketAddr, path: &str, authorization: Option<&str>) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn conferences_are_told_to_whoever_shows_the_token() {
    let served = started().await;
    let path = "/_confocal/v1/conferences";
    for wrong in [
        None,
        Some("Bearer s3cre"),
        Some("Bearer s3cret2"),
        Some("Bearer"),
        Some("s3cret"),
        Some("Basic s3cret"),
    ] {
        let (status, body) = ask(served.address, path, wrong).await;
        assert_eq!(status, 401, "{wrong:?}");
        assert!(!body.contains('['), "{body}");
    }
    assert_eq!(ask(served.address, path, Some("Bearer s3cret")).await, (200, "[]".to_owned()));

    let opened =
        ConferenceEvent::Opened { conference: ConferenceId(3), group: RoomKey::from("!g:example.org") };
    served.news.send(opened).unwrap();
    drop(served.news);
    served.noted.await.unwrap();
    let (status, body) = ask(served.address, path, Some("bearer s3cret")).await;
    let expected = r#"[{"conference":3,"group":"!g:example.org","locked":false,"audience":false,"recorded":false,"active_speaker":null,"layout":"speaker","picture":null,"screen":null,"participants":[]}]"#;
    assert_eq!((status, &*body), (200, expected));
}

#[tokio::test]
async fn what_is_counted_is_told_to_whoever_shows_the_token() {
    let served = started().await;
    let (status, body) = ask(served.address, "/metrics", None).await;
    assert_eq!(status, 401);
    assert!(!body.contains("confocal_"), "{body}");
    let opened =
        ConferenceEvent::Opened { conference: ConferenceId(3), group: RoomKey::from("!g:example.org") };
    served.news.send(opened).unwrap();
    drop(served.news);
    served.noted.await.unwrap();
    let (status, body) = ask(served.address, "/metrics", Some("Bearer s3cret")).await;
    assert_eq!(status, 200);
    assert!(body.starts_with("# HELP confocal_conferences ") && body.ends_with('\n'), "{body}");
    assert!(body.contains("\nconfocal_conferences 1\n") && !body.contains("!g"), "{body}");
}

#[tokio::test]
async fn health_needs_no_token_and_nothing_else_is_there() {
    let served = started().await;
    assert_eq!(ask(served.address, "/health", None).await, (200, r#"{"status":"ok"}"#.to_owned()));
    assert_eq!(ask(served.address, "/", None).await.0, 404);
}

#[tokio::test]
async fn it_is_ready_when_the_homeserver_was_heard_of() {
    let served = started().await;
    assert_eq!(ask(served.address, "/ready", None).await.0, 503);
    served.ready.send_replace(true);
    assert_eq!(ask(served.address, "/ready", None).await, (200, r#"{"status":"ready"}"#.to_owned()));
}

#[tokio::test]
async fn it_ends_when_told() {
    let served = started().await;
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
}
