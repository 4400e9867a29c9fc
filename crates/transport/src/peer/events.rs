//! What a `webrtc` connection tells: its state.
//!
//! It is called from within the connection's own task, so nothing here waits.

use tokio::sync::mpsc;
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCPeerConnectionState};

pub(super) struct Events {
    states: mpsc::UnboundedSender<RTCPeerConnectionState>,
}

impl Events {
    pub(super) const fn new(states: mpsc::UnboundedSender<RTCPeerConnectionState>) -> Self {
        Self { states }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        // The session is gone: nobody is left to care.
        let _ = self.states.send(state);
    }
}
