//! Whether the homeserver is there, both ways: who pings it, how often, and who is told when it is back.
//!
//! A homeserver that can't reach an application service tries again after 2, 4, … up to 512 s, and nobody tells us that it could
//! not. Its answer to a ping, though, makes it try at once. So it is pinged whenever it has been silent for a little, and then
//! neither its back-off nor ours outlasts its absence by more than [`QUIET`]. What is sent and how never lives here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use crate::homeserver::{Fault, RequestError};

/// The homeserver is pinged when it has sent nothing for so long. Not while it sends: it reaches us then, and a ping in the middle
/// of what it had queued makes Synapse begin with that anew.
const QUIET: Duration = Duration::from_secs(3);
/// How long a ping may take. One that takes longer may be on a connection that is gone.
const PING: Duration = Duration::from_secs(3);
/// From one ping to the next while the homeserver is away.
const AWAY: Duration = Duration::from_secs(2);
/// From one ping to the next while it answers that it will not: a wrong token, or a homeserver that knows no pings.
const REFUSED: Duration = Duration::from_secs(30);

/// What is known of the way to the homeserver and back.
#[derive(Debug)]
pub(crate) struct Contact {
    heard: Mutex<Heard>,
    /// How often it came back.
    returns: watch::Sender<u64>,
}

#[derive(Debug)]
struct Heard {
    /// Transactions that are being handled.
    under_way: usize,
    last: Instant,
}

impl Default for Contact {
    fn default() -> Self {
        let heard = Heard { under_way: 0, last: Instant::now() };
        Self { heard: Mutex::new(heard), returns: watch::Sender::new(0) }
    }
}

/// The homeserver is being listened to, until this is dropped.
#[derive(Debug)]
pub(crate) struct Hearing<'a>(&'a Contact);

impl Drop for Hearing<'_> {
    fn drop(&mut self) {
        let mut heard = self.0.heard();
        heard.under_way = heard.under_way.saturating_sub(1);
        heard.last = Instant::now();
    }
}

impl Contact {
    /// The homeserver has begun to send something.
    pub(crate) fn hearing(&self) -> Hearing<'_> {
        self.heard().under_way += 1;
        Hearing(self)
    }

    /// Ends when the homeserver comes back the next time.
    pub(crate) async fn returned(&self) {
        let mut returns = self.returns.subscribe();
        // The sender is as old as we are.
        let _ = returns.changed().await;
    }

    /// Pings by `ping` for ever, and tells when the homeserver is back; `tell` when it is there, at first or again.
    pub(crate) async fn keep<P>(&self, ping: impl Fn() -> P, tell: impl Fn())
    where
        P: Future<Output = Result<Duration, RequestError>>,
    {
        let (mut there, mut before) = (None, None);
        loop {
            if there == Some(true) {
                self.quiet().await;
            }
            let begun = Instant::now();
            let error = match timeout(PING, ping()).await {
                Ok(Ok(took)) => {
                    self.heard().last = Instant::now();
                    if there != Some(true) {
                        tracing::info!(?took, "the homeserver reaches us, and we it");
                        tell();
                    }
                    if there == Some(false) {
                        self.returns.send_modify(|returns| *returns = returns.wrapping_add(1));
                    }
                    (there, before) = (Some(true), None);
                    continue;
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            there = Some(false);
            let why = error.as_ref().map_or_else(|| "no answer in time".to_owned(), ToString::to_string);
            if before.as_ref() != Some(&why) {
                tracing::warn!(why, "no ping from the homeserver; it is tried until there is one");
                before = Some(why);
            }
            sleep_until(begun + pause_after(error.as_ref())).await;
        }
    }

    /// Ends when nothing has been heard for [`QUIET`].
    async fn quiet(&self) {
        loop {
            let until = {
                let heard = self.heard();
                if heard.under_way > 0 { Instant::now() + QUIET } else { heard.last + QUIET }
            };
            if until <= Instant::now() {
                return;
            }
            sleep_until(until).await;
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        // Each change is one or two plain assignments.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause_after(error: Option<&RequestError>) -> Duration {
    match error {
        Some(error) if error.is_unknown_token() => REFUSED,
        Some(error) => match error.fault() {
            Fault::Passing { .. } => AWAY,
            Fault::Lasting(_) => REFUSED,
        },
        None => AWAY,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

    use super::*;

    const UP: u8 = 0;
    const DOWN: u8 = 1;
    const HANGING: u8 = 2;
    const REFUSING: u8 = 3;

    /// A homeserver whose state can be changed, and that counts the pings which it got.
    #[derive(Clone, Default)]
    struct Homeserver {
        state: Arc<AtomicU8>,
        pings: Arc<AtomicUsize>,
    }

    impl Homeserver {
        fn is(&self, state: u8) {
            self.state.store(state, Ordering::Relaxed);
        }

        fn pings(&self) -> usize {
            self.pings.swap(0, Ordering::Relaxed)
        }

        fn keep(&self) -> (Arc<Contact>, tokio::task::JoinHandle<()>) {
            let (contact, homeserver) = (Arc::new(Contact::default()), self.clone());
            let kept = Arc::clone(&contact);
            let ping = move || {
                homeserver.pings.fetch_add(1, Ordering::Relaxed);
                let state = homeserver.state.load(Ordering::Relaxed);
                async move {
                    let refused = |status: u16| RequestError::Refused {
                        status: http::StatusCode::from_u16(status).unwrap(),
                        errcode: None,
                        retry_after: None,
                    };
                    match state {
                        UP => Ok(Duration::from_millis(1)),
                        DOWN => Err(refused(502)),
                        REFUSING => Err(refused(404)),
                        _ => std::future::pending().await,
                    }
                }
            };
            let keeping = tokio::spawn(async move { kept.keep(ping, || ()).await });
            (contact, keeping)
        }
    }

    async fn pass(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told_within_three_seconds_of_the_return() {
        for state in [DOWN, HANGING] {
            // Also shortly after a ping, when the next is farthest.
            for absence in [10_000, 10_100, 11_100, 12_100, 300_100].map(Duration::from_millis) {
                let homeserver = Homeserver::default();
                let (contact, _keeping) = homeserver.keep();
                pass(1).await;
                homeserver.is(state);
                let mut returned = Box::pin(contact.returned());
                let early = timeout(absence, &mut returned).await;
                assert!(early.is_err(), "told before it was back");
                homeserver.is(UP);
                let back = Instant::now();
                timeout(Duration::from_secs(60), returned).await.unwrap();
                assert!(back.elapsed() <= Duration::from_secs(3), "{:?}", back.elapsed());
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_is_no_return() {
        let homeserver = Homeserver::default();
        let (contact, _keeping) = homeserver.keep();
        assert!(timeout(Duration::from_secs(60), contact.returned()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_pinged_who_sends() {
        let homeserver = Homeserver::default();
        let (contact, _keeping) = homeserver.keep();
        pass(1).await;
        assert_eq!(homeserver.pings(), 1, "at the start");
        for _ in 0..20 {
            drop(contact.hearing());
            pass(1).await;
        }
        let long = contact.hearing();
        pass(20).await;
        drop(long);
        assert_eq!(homeserver.pings(), 0);
        pass(5).await;
        assert_eq!(homeserver.pings(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_refuses_is_left_in_peace() {
        let homeserver = Homeserver::default();
        homeserver.is(REFUSING);
        let (_contact, _keeping) = homeserver.keep();
        pass(61).await;
        assert_eq!(homeserver.pings(), 3);
    }
}
