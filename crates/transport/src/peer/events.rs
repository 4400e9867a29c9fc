//! What a `webrtc` connection tells: its state.
//!
//! It is called from within the connection's own task, so nothing here waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCPeerConnectionState};

pub(super) struct Events {
    states: mpsc::UnboundedSender<RTCPeerConnectionState>,
    idle: Arc<AtomicBool>,
}

impl Events {
    /// `idle` is made to say whether the connection is up, so that it has nothing to do but keep itself alive.
    pub(super) const fn new(
        states: mpsc::UnboundedSender<RTCPeerConnectionState>,
        idle: Arc<AtomicBool>,
    ) -> Self {
        Self { states, idle }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.idle.store(state == RTCPeerConnectionState::Connected, Ordering::Relaxed);
        // The session is gone: nobody is left to care.
        let _ = self.states.send(state);
    }
}
