//! Virtual users come into being when they are first needed.
//!
//! What they do then never lives here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ruma_common::{OwnedUserId, UserId};
use tokio::sync::OnceCell;

use crate::homeserver::{Homeserver, Registered, RequestError};

/// How a focus user is called as long as nobody knows the name of its room.
pub(crate) const PLAIN_NAME: &str = "Conference";
/// How many registered users are remembered. One forgotten costs one request that is answered `M_USER_IN_USE`.
const REMEMBERED: usize = 4096;

/// Remembers who is registered, and registers each user once however many requests need it at a time.
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    users: Mutex<HashMap<OwnedUserId, Arc<OnceCell<()>>>>,
}

impl Registrar {
    /// Sees to it that `user` exists.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the homeserver does not register it.
    pub(crate) async fn ensure<H: Homeserver>(
        &self,
        homeserver: &H,
        user: &UserId,
    ) -> Result<(), RequestError> {
        let cell = self.cell(user);
        cell.get_or_try_init(|| async {
            if homeserver.register(user).await? == Registered::New {
                // Else people read the encoded room id until the focus has joined its group room.
                if let Err(error) = homeserver.set_display_name(user, PLAIN_NAME).await {
                    tracing::warn!(%error, "a new focus user could not be given a display name");
                }
            }
            Ok(())
        })
        .await
        .copied()
    }

    fn cell(&self, user: &UserId) -> Arc<OnceCell<()>> {
        // A panic elsewhere can't have left a map of cells half changed.
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= REMEMBERED && !users.contains_key(user) {
            users.clear();
        }
        Arc::clone(users.entry(user.to_owned()).or_default())
    }
}
