//! What a `webrtc` connection tells: its state, its candidates, the caller's track.
//!
//! It is called from within the connection's own task, so nothing here waits.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use webrtc::media_stream::track_remote::TrackRemote;
use webrtc::peer_connection::{PeerConnectionEventHandler, RTCIceGatheringState, RTCPeerConnectionState};

use super::link::{self, Incoming};
use crate::sdp::Shape;

pub(super) struct Events {
    states: mpsc::UnboundedSender<RTCPeerConnectionState>,
    gathered: watch::Sender<u64>,
    incoming: Incoming,
    opus: u8,
    level_extension: Option<u8>,
}

impl Events {
    pub(super) fn new(
        states: mpsc::UnboundedSender<RTCPeerConnectionState>,
        gathered: watch::Sender<u64>,
        incoming: Incoming,
        shape: &Shape,
    ) -> Self {
        Self { states, gathered, incoming, opus: shape.opus, level_extension: shape.level_extension }
    }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|count| *count += 1);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        // The session is gone: nobody is left to care.
        let _ = self.states.send(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // Ends with the track, which ends with the connection.
        tokio::spawn(link::receive(track, self.incoming.clone(), self.opus, self.level_extension));
    }
}
