//! The device with which a virtual user speaks: made when it is first needed, without keys.
//!
//! Synapse remembers in its database which transaction ids a device has sent under, for a day; those of an application service
//! without device only in memory. Devices are made by MSC4190, which a registration must ask for, and spoken with by MSC4326
//! (<https://spec.matrix.org/v1.17/application-service-api/#identity-assertion>). Requests never live here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use ruma_common::{DeviceId, OwnedUserId, UserId};
use tokio::sync::OnceCell;

use super::{Fault, RequestError};

/// The device's id, the same for all users.
const DEVICE: &str = "CONFOCAL";
/// How many users are remembered to have it. One forgotten costs a request.
const REMEMBERED: usize = 4096;

/// Who has a device already.
#[derive(Debug, Default)]
pub(super) struct Devices {
    users: Mutex<HashMap<OwnedUserId, Arc<OnceCell<bool>>>>,
    /// The homeserver makes none for us. It is not asked again before the next start: it will not have learnt it before its own.
    none: AtomicBool,
}

impl Devices {
    /// The device of `user`, made by `make` unless it is known to be there. `None`: this user has none, and speaks without.
    ///
    /// # Errors
    ///
    /// Of `make`, if trying again may help.
    pub(super) async fn of(
        &self,
        user: &UserId,
        make: impl AsyncFnOnce(&DeviceId) -> Result<(), RequestError>,
    ) -> Result<Option<&'static DeviceId>, RequestError> {
        if self.none.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let device: &'static DeviceId = DEVICE.into();
        let cell = self.cell(user);
        let made = cell.get_or_try_init(async || match make(device).await {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.fault(), Fault::Passing { .. }) => Err(error),
            Err(error) => {
                if is_unsupported(&error) && !self.none.swap(true, Ordering::Relaxed) {
                    tracing::info!(
                        %error,
                        "the homeserver makes no devices for us: is `io.element.msc4190` in the registration that it has read? \
                         Nothing is lost without, but what may have arrived is known by the room's timeline alone"
                    );
                }
                Ok(false)
            }
        });
        Ok(made.await?.then_some(device))
    }

    /// The device of `user` is gone: homeservers remove such as were not seen for long.
    pub(super) fn forget(&self, user: &UserId) {
        self.users().remove(user);
    }

    fn cell(&self, user: &UserId) -> Arc<OnceCell<bool>> {
        let mut users = self.users();
        if users.len() >= REMEMBERED && !users.contains_key(user) {
            users.clear();
        }
        Arc::clone(users.entry(user.to_owned()).or_default())
    }

    fn users(&self) -> MutexGuard<'_, HashMap<OwnedUserId, Arc<OnceCell<bool>>>> {
        // A panic elsewhere can't have left a map of cells half changed.
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without MSC4190 the request changes the name of a device, and there is none.
fn is_unsupported(error: &RequestError) -> bool {
    matches!(
        error,
        RequestError::Refused { status: StatusCode::NOT_FOUND, errcode: Some(_), .. }
            | RequestError::Refused { status: StatusCode::METHOD_NOT_ALLOWED, .. }
    )
}
