//! The precedence of a shard's thread over everything else on the machine: packets that come late have been lost to scheduling, hardly
//! ever to work.
//!
//! What the thread does never lives here. It must sleep between looks: a thread of this kind that spins takes a core from everyone.

use std::sync::Once;

use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tracing::info;

/// In the lower part of the scale (1 to 99): before all ordinary threads, behind those that the machine itself depends on.
const PRIORITY: u8 = 10;

/// Asks for real-time scheduling of the calling thread (`SCHED_FIFO`). That is for privileged processes, or those with
/// `LimitRTPRIO`; where it is refused, that is said once, and the thread goes on as it is.
pub(crate) fn raise() {
    static SAID: Once = Once::new();
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let raised =
        ThreadPriorityValue::try_from(PRIORITY).map_err(|error| error.to_owned()).and_then(|value| {
            set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), policy)
                .map_err(|error| format!("{error:?}"))
        });
    if let Err(error) = raised {
        SAID.call_once(|| {
            info!(
                error,
                "no real-time scheduling: when other programs keep the processor busy, sound may be late (systemd: LimitRTPRIO=10)"
            );
        });
    }
}
