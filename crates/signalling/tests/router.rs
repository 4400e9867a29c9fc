//! What the homeserver sees when it calls: tokens, paths, bodies, and when a transaction is acknowledged.
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test may stop at the first surprise"
)]

mod support;

use confocal::conference::Input;
use confocal::ports::{Accepted, Inbox, Mailbox};
use confocal_signalling::{Skip, TransactionError};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tower::ServiceExt;

use support::{ALICE, DIRECT, FOCUS, FakeHomeserver, GROUP, HS_TOKEN, adapter, serve};

struct Service {
    url: String,
    client: Client,
    mailbox: Mailbox,
    adapter: confocal_signalling::Adapter,
    homeserver: FakeHomeserver,
}

impl Service {
    async fn start() -> Self {
        let (homeserver, homeserver_url) = FakeHomeserver::start().await;
        let adapter = adapter(&homeserver_url);
        let (inbox, mailbox) = Inbox::new(4);
        let url = serve(adapter.router(inbox)).await;
        Self { url, client: Client::new(), mailbox, adapter, homeserver }
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).body(body.to_owned());
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn put(&self, id: &str, body: &str) -> (u16, Value) {
        self.call(Method::PUT, &format!("/_matrix/app/v1/transactions/{id}"), Some(HS_TOKEN), body).await
    }
}

fn hangup(call: &str) -> Value {
    json!({ "type": "m.call.hangup", "sender": ALICE, "room_id": DIRECT, "event_id": "$h", "content": { "call_id": call } })
}

fn calls_of(inputs: &[Input]) -> Vec<&str> {
    fn call(input: &Input) -> &str {
        match input {
            Input::CallHungUp { key, .. } => key.call.as_str(),
            other => panic!("{other:?}"),
        }
    }
    inputs.iter().map(call).collect()
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["errcode"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn only_the_homeservers_token_opens() {
    let service = Service::start().await;
    let paths = [
        (Method::PUT, "/_matrix/app/v1/transactions/1"),
        (Method::PUT, "/transactions/1"),
        (Method::GET, "/_matrix/app/v1/users/@fs_IWFiYzplRVQ:hs.test"),
        (Method::GET, "/_matrix/app/v1/rooms/%23a:hs.test"),
        (Method::POST, "/_matrix/app/v1/ping"),
    ];
    for (method, path) in paths {
        for token in [None, Some(""), Some("hs-s3cre"), Some("hs-s3cret1")] {
            let answer = service.call(method.clone(), path, token, "not even JSON").await;
            assert_eq!(error(&answer), (403, "M_FORBIDDEN"), "{path} {token:?}");
        }
    }
    assert_eq!(service.adapter.counts().refused_tokens, 20);
    assert!(service.homeserver.asked().is_empty());
    // As older homeservers send it.
    let answer = service.call(Method::POST, "/_matrix/app/v1/ping?access_token=hs-s3cret", None, "{}").await;
    assert_eq!(answer, (200, json!({})));
}

#[tokio::test]
async fn a_transaction_is_one_batch_acknowledged_when_it_is_committed() {
    let mut service = Service::start().await;
    let body = json!({ "events": [hangup("1"), { "type": "m.room.message" }, { "type": 7 }, hangup("2")] })
        .to_string();
    let (answer, ()) = tokio::join!(
        service
            .client
            .put(format!("{}/_matrix/app/v1/transactions/17", service.url))
            .bearer_auth(HS_TOKEN)
            .body(body)
            .send(),
        async {
            let delivery = service.mailbox.next().await.unwrap();
            assert_eq!(delivery.batch.id.as_deref(), Some("17"));
            assert_eq!(
                calls_of(&delivery.batch.inputs),
                ["1", "2"],
                "the malformed event between costs itself only"
            );
            delivery.reply.send(Accepted::New).unwrap();
        }
    );
    let answer = answer.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "{}");
    let counts = service.adapter.counts();
    assert_eq!((counts.transactions, counts.inputs, counts.malformed_events), (1, 2, 2));
}

#[tokio::test]
async fn a_transaction_that_was_not_committed_is_not_acknowledged() {
    let mut service = Service::start().await;
    let body = json!({ "events": [hangup("1")] }).to_string();
    for _ in 0..2 {
        let request = service.client.put(format!("{}/transactions/18", service.url)).bearer_auth(HS_TOKEN);
        let (answer, ()) = tokio::join!(request.body(body.clone()).send(), async {
            // Dropped without a reply, as by a driver whose store failed. The second time round it comes again.
            assert_eq!(service.mailbox.next().await.unwrap().batch.id.as_deref(), Some("18"));
        });
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 503);
        assert_eq!(answer.json::<Value>().await.unwrap()["errcode"], "M_UNKNOWN");
    }
}

#[tokio::test]
async fn a_repeated_transaction_is_acknowledged_again() {
    let mut service = Service::start().await;
    let body = json!({ "events": [hangup("1")] }).to_string();
    for accepted in [Accepted::New, Accepted::Repeated] {
        let request = service.client.put(format!("{}/_matrix/app/v1/transactions/19", service.url));
        let (answer, ()) = tokio::join!(request.bearer_auth(HS_TOKEN).body(body.clone()).send(), async {
            let delivery = service.mailbox.next().await.unwrap();
            assert_eq!(delivery.batch.id.as_deref(), Some("19"));
            delivery.reply.send(accepted).unwrap();
        });
        assert_eq!(answer.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_transaction_outlives_its_request() {
    let mut service = Service::start().await;
    let request = service
        .client
        .put(format!("{}/_matrix/app/v1/transactions/20", service.url))
        .bearer_auth(HS_TOKEN)
        .body(json!({ "events": [hangup("1")] }).to_string());
    let request = tokio::spawn(request.send());
    let delivery = service.mailbox.next().await.unwrap();
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    delivery.reply.send(Accepted::New).unwrap();
    // Its end is seen in the count; the next transaction comes after it or before it, and both are counted.
    while service.adapter.counts().transactions < 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bodies_that_are_no_transactions() {
    let service = Service::start().await;
    for body in ["", "{", "[]7", r#"{"events":{}}"#, r#"{"events":7}"#, "\u{feff}{}"] {
        assert_eq!(error(&service.put("1", body).await), (400, "M_BAD_JSON"), "{body}");
    }
    assert_eq!(service.adapter.counts().bad_transactions, 6);
    for body in ["{}", r#"{"events":[]}"#, r#"{"events":[7,null,{"type":"m.room.message"}]}"#] {
        assert_eq!(
            service.put("1", body).await,
            (200, json!({})),
            "{body}: nothing to hand in, nobody to wait for"
        );
    }
}

#[tokio::test]
async fn paths_that_are_not_ours() {
    let service = Service::start().await;
    for path in [
        "/",
        "/_matrix/app/v1/thirdparty/protocol/irc",
        "/_matrix/app/v1/thirdparty/user",
        "/_matrix/app/v1/thirdparty/location?alias=%23a:hs.test",
        "/_matrix/app/unstable/thirdparty/user",
        "/_matrix/app/v1/transactions",
        "/_matrix/app/v1/transactions/1/2",
        "/_matrix/app/v1/users/",
        "/_matrix/client/v3/sync",
        "/ping",
    ] {
        let answer = service.call(Method::GET, path, Some(HS_TOKEN), "").await;
        assert_eq!(error(&answer), (404, "M_UNRECOGNIZED"), "{path}");
    }
}

#[tokio::test]
async fn every_path_has_its_method() {
    let service = Service::start().await;
    let paths = [
        (Method::PUT, "/_matrix/app/v1/transactions/1"),
        (Method::PUT, "/transactions/1"),
        (Method::GET, "/_matrix/app/v1/users/@x:hs.test"),
        (Method::GET, "/users/@x:hs.test"),
        (Method::GET, "/_matrix/app/v1/rooms/%23a:hs.test"),
        (Method::GET, "/rooms/%23a:hs.test"),
        (Method::POST, "/_matrix/app/v1/ping"),
    ];
    for (right, path) in paths {
        for method in [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH] {
            let answer = service.call(method.clone(), path, Some(HS_TOKEN), "{}").await;
            if method == right {
                assert!(
                    answer.0 == 200 || error(&answer) == (404, "M_NOT_FOUND"),
                    "{method} {path}: {answer:?}"
                );
            } else {
                assert_eq!(error(&answer), (405, "M_UNRECOGNIZED"), "{method} {path}");
            }
        }
    }
}

/// A homeserver puts names into paths with their slashes; some escape them.
#[tokio::test]
async fn names_may_hold_slashes_and_what_is_no_text_is_nobody() {
    let service = Service::start().await;
    // The base64 of `!a?b>c?:hs.test` holds a slash, as many ids of older clients do.
    let focus = "@fs_IWE/Yj5jPzpocy50ZXN0:hs.test";
    for written in [focus.to_owned(), focus.replace('/', "%2F")] {
        let path = format!("/_matrix/app/v1/users/{written}");
        assert_eq!(service.call(Method::GET, &path, Some(HS_TOKEN), "").await, (200, json!({})), "{path}");
    }
    assert_eq!(service.homeserver.asked()[0].body["username"], "fs_IWE/Yj5jPzpocy50ZXN0");
    let nobody = [
        ("/users/%ff", "M_NOT_FOUND"),
        ("/rooms/%23a%2Fb/c:hs.test", "M_NOT_FOUND"),
        ("/rooms/%ff", "M_NOT_FOUND"),
    ];
    for (path, errcode) in nobody {
        let answer = service.call(Method::GET, path, Some(HS_TOKEN), "").await;
        assert_eq!(error(&answer), (404, errcode), "{path}");
    }
    assert_eq!(error(&service.put("%ff", "{}").await), (400, "M_INVALID_PARAM"));
}

/// The header counts where there is one: a right token behind a wrong one opens nothing.
#[tokio::test]
async fn a_token_in_the_query_does_not_mend_a_wrong_header() {
    let service = Service::start().await;
    let path = "/_matrix/app/v1/ping?access_token=hs-s3cret";
    let answer = service.call(Method::POST, path, Some("wrong"), "{}").await;
    assert_eq!(error(&answer), (403, "M_FORBIDDEN"));
    let basic = service.client.post(format!("{}{path}", service.url)).header("authorization", "Basic aHM=");
    assert_eq!(basic.send().await.unwrap().status(), 403);
}

/// The largest that Synapse makes: 100 events of the size that an event may have, and as many of the other kinds.
#[tokio::test]
async fn the_largest_transaction_of_a_homeserver_fits() {
    let mut service = Service::start().await;
    let mut large = hangup("1");
    large["content"]["padding"] = "\u{e9}".repeat(32_000).into();
    let events: Vec<Value> = std::iter::repeat_n(large, 100).collect();
    let body =
        json!({ "events": events, "ephemeral": events, "de.sorunome.msc2409.to_device": events }).to_string();
    assert!(body.len() > 18_000_000);
    let request = service.client.put(format!("{}/_matrix/app/v1/transactions/1", service.url));
    let mut answer = tokio::spawn(request.bearer_auth(HS_TOKEN).body(body).send());
    tokio::select! {
        delivery = service.mailbox.next() => {
            let delivery = delivery.unwrap();
            assert_eq!(delivery.batch.inputs.len(), 100);
            delivery.reply.send(Accepted::New).unwrap();
        }
        answer = &mut answer => panic!("it was not handed in: {answer:?}"),
    }
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}

/// Asked without a socket, on which a refusal may overtake the body it refuses.
#[tokio::test]
async fn a_larger_body_is_refused_in_words_and_without_the_token_not_even_read() {
    let (_homeserver, url) = FakeHomeserver::start().await;
    let (inbox, _mailbox) = Inbox::new(1);
    let router = adapter(&url).router(inbox);
    for (token, expected) in [(HS_TOKEN, (413, "M_TOO_LARGE")), ("wrong", (403, "M_FORBIDDEN"))] {
        let request = http::Request::put("/_matrix/app/v1/transactions/1")
            .header("authorization", format!("Bearer {token}"))
            .body(axum::body::Body::from(vec![b' '; 64 * 1024 * 1024 + 1]))
            .unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
        assert_eq!(error(&(status, serde_json::from_slice(&body).unwrap())), expected);
    }
}

#[tokio::test]
async fn a_focus_user_that_is_asked_for_is_registered() {
    let service = Service::start().await;
    let ask = |user: &'static str| {
        let path = format!("/_matrix/app/v1/users/{user}");
        let service = &service;
        async move { service.call(Method::GET, &path, Some(HS_TOKEN), "").await }
    };
    assert_eq!(ask("%40fs_IWFiYzplRVQ%3Ahs.test").await, (200, json!({})));
    let register = &service.homeserver.asked()[0];
    assert_eq!(register.what, "POST /register");
    assert_eq!(
        register.body,
        json!({ "type": "m.login.application_service", "username": "fs_IWFiYzplRVQ", "inhibit_login": true })
    );
    let asked = service.homeserver.asked().len();
    for stranger in
        ["@alice:hs.test", "@fs_nonsense:hs.test", "@fs_IWFiYzplRVQ:else.test", "@conference:hs.test", "x"]
    {
        assert_eq!(error(&ask(stranger).await), (404, "M_NOT_FOUND"), "{stranger}");
    }
    assert_eq!(service.homeserver.asked().len(), asked, "nothing is asked for strangers");
}

#[tokio::test]
async fn an_invitation_that_names_no_room_is_committed_like_any_other_input() {
    let mut service = Service::start().await;
    let invite = json!({ "type": "m.room.member", "sender": ALICE, "room_id": DIRECT, "state_key": "@fs_odd:hs.test",
        "content": { "membership": "invite" } });
    let body = json!({ "events": [invite] }).to_string();
    let request = service.client.put(format!("{}/_matrix/app/v1/transactions/1", service.url));
    let (answer, ()) = tokio::join!(request.bearer_auth(HS_TOKEN).body(body).send(), async {
        let delivery = service.mailbox.next().await.unwrap();
        let invited = Input::NobodyInvited { focus: "@fs_odd:hs.test".into(), room: DIRECT.into() };
        assert_eq!(delivery.batch.inputs, [invited]);
        delivery.reply.send(Accepted::New).unwrap();
    });
    assert_eq!(answer.unwrap().status(), 200);
    assert_eq!(service.homeserver.asked(), [], "declining is the outbox's, after the commit");
}

#[tokio::test]
async fn without_the_listener_foreign_events_come_back_untouched() {
    let (_homeserver, url) = FakeHomeserver::start().await;
    let (inbox, mut mailbox) = Inbox::new(1);
    let transactions = adapter(&url).transactions(inbox);
    let foreign = r#"{"type": "m.room.message", "sender":"@a:b", "odd":   [1e2]}"#;
    let left = json!({ "type": "m.room.member", "sender": ALICE, "room_id": GROUP, "state_key": ALICE,
        "content": { "membership": "leave" } })
    .to_string();
    let echo =
        json!({ "type": "m.call.answer", "sender": FOCUS, "room_id": DIRECT, "content": {} }).to_string();
    let body = format!(r#"{{"events":[{foreign},{left},{echo}]}}"#);
    let (handled, ()) = tokio::join!(transactions.handle_transaction("5", body.as_bytes()), async {
        mailbox.next().await.unwrap().reply.send(Accepted::New).unwrap();
    });
    let handled = handled.unwrap();
    let raw: Vec<&str> = handled.foreign.iter().map(|event| event.get()).collect();
    assert_eq!(raw, [foreign, left.as_str()]);
    assert_eq!((handled.inputs, handled.accepted), (1, Accepted::New));
    let skipped: Vec<(usize, Skip)> =
        handled.skipped.into_iter().map(|skipped| (skipped.position, skipped.why)).collect();
    assert_eq!(skipped, [(0, Skip::Malformed), (2, Skip::OwnEcho)]);

    assert!(matches!(transactions.handle_transaction("6", b"{").await, Err(TransactionError::BadJson(_))));
    drop(mailbox);
    let gone = transactions.handle_transaction("7", body.as_bytes()).await;
    assert!(matches!(gone, Err(TransactionError::NotAccepted(_))));
}

#[tokio::test]
async fn it_can_be_nested_in_a_listener_that_has_other_things_to_do() {
    let (_, homeserver_url) = FakeHomeserver::start().await;
    let (inbox, _mailbox) = Inbox::new(4);
    let ours = adapter(&homeserver_url).router(inbox);
    let routes = axum::Router::new()
        .nest("/conference", ours)
        .route("/bridge", axum::routing::get(async || "the bridge's own"));
    let url = serve(routes).await;
    let client = Client::new();
    let ping = |token: &'static str| {
        client.post(format!("{url}/conference/_matrix/app/v1/ping")).bearer_auth(token).body("{}").send()
    };
    assert_eq!(ping(HS_TOKEN).await.unwrap().status(), 200);
    assert_eq!(ping("guess").await.unwrap().status(), 403);
    let bridge = client.get(format!("{url}/bridge")).send().await.unwrap();
    assert_eq!(bridge.text().await.unwrap(), "the bridge's own");
    let unknown = client.get(format!("{url}/elsewhere")).send().await.unwrap();
    assert_eq!(
        (unknown.status().as_u16(), unknown.text().await.unwrap().as_str()),
        (404, ""),
        "not ours to answer"
    );
}
