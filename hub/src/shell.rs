//! The room's page: a static shell that signed-in people get; what is in it comes by WebSocket.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use portal::portal::Portal;
use portal::web::{Answer, PageError, Path, Visit};
use rust_embed::RustEmbed;
use uuid::Uuid;

#[derive(RustEmbed)]
#[folder = "../signaling/web/dist"]
struct Room;

/// `/stanza/{meeting}` and `/static/room/…`.
pub fn router(portal: Portal) -> Router {
    Router::new()
        .route("/stanza/{meeting}", get(page))
        .route("/static/room/{file}", get(asset))
        .with_state(portal)
}

/// Whether the person has a seat is decided when the page asks to join.
async fn page(State(portal): State<Portal>, _visit: Visit, Path(_meeting): Path<Uuid>) -> Answer {
    let page = Room::get("room.html").ok_or(PageError::NotFound)?;
    let page = str::from_utf8(&page.data)?.replace("{assistenza}", &number(&portal));
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, page).into_response())
}

/// Whom to call: what a telephone number consists of, nothing that could be markup.
fn number(portal: &Portal) -> String {
    let of_number = |c: &char| c.is_ascii_digit() || " +-/()".contains(*c);
    portal.settings.help_phone.chars().filter(of_number).collect()
}

async fn asset(Path(name): Path<String>) -> Result<Response, PageError> {
    let file = Room::get(&name).ok_or(PageError::NotFound)?;
    let kind = mime_guess::from_path(&name).first_or_octet_stream();
    let headers = [(header::CACHE_CONTROL, "no-cache"), (header::CONTENT_TYPE, kind.as_ref())];
    Ok((headers, file.data).into_response())
}
