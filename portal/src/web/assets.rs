//! The look: style sheet, script, fonts, icons.

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

use super::PageError;
use crate::portal::Portal;

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Assets;

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/static/{*path}", get(asset))
        .route("/favicon.ico", get(|headers: HeaderMap| asset(Path("favicon.svg".into()), headers)))
}

async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, PageError> {
    let file = Assets::get(&path).ok_or(PageError::NotFound)?;
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    let cache = (header::CACHE_CONTROL, "max-age=600");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, [cache]).into_response());
    }
    let kind = mime_guess::from_path(&path).first_or_octet_stream();
    let headers = [cache, (header::CONTENT_TYPE, kind.as_ref()), (header::ETAG, tag.as_str())];
    Ok((headers, file.data).into_response())
}
