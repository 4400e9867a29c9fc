//! The demo's web server: the demo page, fresh persons for its tabs, and who is in the conference. The conference itself, its
//! homeserver and its focus are others' to start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::focus::FocusStatus;
use super::{Http, MatrixError, PageServer, Places, StartError, Synapse, User};

/// The room that the demo is about.
#[derive(Clone, Debug)]
pub struct SiteRoom {
    /// The group room.
    pub room_id: String,
    /// Its name.
    pub name: String,
    /// A user who may invite into it.
    pub owner: User,
    /// The focus user that is to be called.
    pub focus_user_id: String,
}

/// The running web server; dropping it stops it.
#[derive(Debug)]
pub struct DemoSite {
    server: PageServer,
}

struct Site {
    http: Http,
    synapse: Arc<Synapse>,
    room: SiteRoom,
    status: FocusStatus,
    persons: AtomicU32,
}

impl DemoSite {
    /// Serves `/` (the demo page), `POST /api/person` and `GET /api/status` on `port` of 127.0.0.1 (0: a free one).
    ///
    /// # Errors
    ///
    /// [`StartError::NotInstalled`] when the pages are not built, [`StartError::Port`].
    pub async fn start(
        places: &Places,
        port: u16,
        synapse: Arc<Synapse>,
        room: SiteRoom,
        status: FocusStatus,
    ) -> Result<Self, StartError> {
        let folder = places.web();
        let page = folder.join("demo.html");
        if !page.is_file() {
            return Err(StartError::NotInstalled { what: "the demo page", path: page });
        }
        let site = Site { http: Http::new(), synapse, room, status, persons: AtomicU32::new(0) };
        let routes = Router::new()
            .route_service("/", get_page(page))
            .route("/api/person", post(person))
            .route("/api/status", get(conference))
            .with_state(Arc::new(site));
        Ok(Self { server: PageServer::with_routes(&folder, port, routes).await? })
    }

    /// The base URL, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.server.base_url()
    }
}

fn get_page(page: std::path::PathBuf) -> axum::routing::MethodRouter {
    axum::routing::get_service(tower_http::services::ServeFile::new(page))
}

/// Something of the demo did not do its part.
#[derive(Debug, thiserror::Error)]
enum SiteError {
    #[error(transparent)]
    Matrix(#[from] MatrixError),
    #[error(transparent)]
    Http(#[from] super::HttpError),
}

impl IntoResponse for SiteError {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, Json(json!({ "error": self.to_string() }))).into_response()
    }
}

/// `POST /api/person`: makes a user, puts it into the group room, and tells how to act as it.
async fn person(State(site): State<Arc<Site>>) -> Result<Json<Value>, SiteError> {
    let number = site.persons.fetch_add(1, Ordering::Relaxed) + 1;
    let display_name = format!("Guest {number}");
    let user = site.synapse.register(&format!("guest{number}")).await?;
    user.set_display_name(&display_name).await?;
    site.room.owner.invite(&site.room.room_id, &user.user_id).await?;
    user.join(&site.room.room_id).await?;
    Ok(Json(json!({
        "homeserver": user.homeserver,
        "user_id": user.user_id,
        "access_token": user.access_token,
        "device_id": user.device_id,
        "display_name": display_name,
        "group_room_id": site.room.room_id,
        "group_room_name": site.room.name,
        "focus_user_id": site.room.focus_user_id,
    })))
}

/// `GET /api/status`: who is in the room's conference, by the focus, with their names by the room.
async fn conference(State(site): State<Arc<Site>>) -> Result<Json<Value>, SiteError> {
    let asked = site.http.json(Method::GET, &site.status.url, Some(&site.status.token), None);
    let (_, conferences) = tokio::time::timeout(Duration::from_secs(5), asked)
        .await
        .unwrap_or_else(|_| Ok(Default::default()))?;
    let names = display_names(&site.room).await?;
    Ok(Json(json!({ "participants": participants(&conferences, &site.room.room_id, &names) })))
}

/// The participants of all conferences of a group room, each with a `display_name` where there is one.
fn participants(conferences: &Value, group_room: &str, names: &BTreeMap<String, String>) -> Vec<Value> {
    let conferences = conferences.as_array().map(Vec::as_slice).unwrap_or_default();
    let of_room =
        conferences.iter().filter(|conference| conference.get("group").is_some_and(|id| id == group_room));
    let participants = of_room.filter_map(|conference| conference.get("participants")?.as_array()).flatten();
    participants
        .map(|participant| {
            let mut participant = participant.clone();
            let name = participant
                .get("member")
                .and_then(Value::as_str)
                .and_then(|member| names.get(member))
                .cloned();
            if let (Some(fields), Some(name)) = (participant.as_object_mut(), name) {
                fields.insert("display_name".to_owned(), Value::String(name));
            }
            participant
        })
        .collect()
}

/// The display names of a room's joined members.
async fn display_names(room: &SiteRoom) -> Result<BTreeMap<String, String>, MatrixError> {
    let encoded = percent_encoding::utf8_percent_encode(&room.room_id, percent_encoding::NON_ALPHANUMERIC);
    let answer = room.owner.request(Method::GET, &format!("v3/rooms/{encoded}/joined_members"), None).await?;
    let joined = answer.get("joined").and_then(Value::as_object);
    let named = |(user, profile): (&String, &Value)| {
        Some((user.clone(), profile.get("display_name")?.as_str()?.to_owned()))
    };
    Ok(joined.into_iter().flatten().filter_map(named).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rooms_own_participants_are_shown_with_their_names() {
        let conferences = json!([
            { "conference": 1, "group": "!a", "participants": [{ "member": "@x:s", "legs": [1] }, { "member": "@y:s" }] },
            { "conference": 2, "group": "!b", "participants": [{ "member": "@z:s" }] },
            "nonsense",
        ]);
        let names = BTreeMap::from([("@x:s".to_owned(), "X".to_owned())]);
        let shown = participants(&conferences, "!a", &names);
        assert_eq!(
            shown,
            [json!({ "member": "@x:s", "display_name": "X", "legs": [1] }), json!({ "member": "@y:s" })]
        );
        assert!(participants(&Value::Null, "!a", &names).is_empty());
    }
}
