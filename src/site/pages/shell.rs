//! # Shell: what stands around the rooms
//!
//! Pages that are made by scripts alone, and the files that browsers look for at the root: what the
//! installed application is called, and what keeps its shell while there is no network.

use super::{Paged, identity, render, settings};
use crate::http::Response;
use crate::site::assets;
use crate::site::hall::Hall;
use crate::web::{Cx, Error, Reply, Routes, context};

/// `GET /settings…`, `GET /admin…`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = identity(cx)?;
    let beside = super::rooms::beside(cx, &me)?;
    let title = match cx.request.head().path().starts_with("/admin") {
        true => "Administration",
        false => "Settings",
    };
    let page = context! { title, ..beside };
    Ok(render(cx, "settings.html", page))
}

/// What is looked for at the root.
pub(super) fn files(keeps_shell: bool) -> Routes<Hall> {
    Routes::new()
        .get("/sw.js", move |cx: &mut Cx<'_, Hall>| {
            worker(cx, keeps_shell)
        })
        .get("/offline", offline)
        .get("/manifest.webmanifest", manifest)
        .get("/favicon.ico", |_: &mut Cx<'_, Hall>| {
            Response::redirect("/assets/icons/parlour.svg")
        })
}

/// The service worker. It names each file of the shell with the hash of its content, so that it is
/// another one as soon as one of them is.
fn worker(cx: &mut Cx<'_, Hall>, keeps_shell: bool) -> Result<Response, Error> {
    let shell = match keeps_shell {
        true => assets::shell(),
        false => Vec::new(),
    };
    let pages = assets::pages_version();
    let page = cx.render("sw.js", context! { shell, pages })?;
    Ok(page.field("Cache-Control", "no-cache"))
}

/// What is shown where a page cannot be had: the shell, which finds in the browser what it has kept.
fn offline(cx: &mut Cx<'_, Hall>) -> Result<Response, Error> {
    let page = cx.render("offline.html", context! { server => "Parlour" })?;
    Ok(page.field("Cache-Control", "no-cache"))
}

/// What the application is, for whoever installs it.
fn manifest(cx: &mut Cx<'_, Hall>) -> Reply<Hall> {
    let server = match settings(cx) {
        Ok(settings) => settings.name,
        Err(refusal) => return super::settled(cx, Err(refusal)),
    };
    let icon = |file: &str, sizes: &str, purpose: &str| {
        let src = format!("/assets/icons/{file}");
        serde_json::json!({ "src": src, "sizes": sizes, "purpose": purpose })
    };
    let json = serde_json::json!({
        "name": server,
        "short_name": server,
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f4f1",
        "theme_color": "#8a3b12",
        "icons": [
            icon("parlour.svg", "any", "any"),
            icon("parlour-192.png", "192x192", "any"),
            icon("parlour-512.png", "512x512", "any"),
            icon("parlour-mask-512.png", "512x512", "maskable"),
        ],
    });
    let manifest = Response::json(json.to_string());
    let manifest = manifest.field("Cache-Control", "no-cache");
    Reply::of(with_type(manifest))
}

fn with_type(mut manifest: Response) -> Response {
    manifest.set_field("Content-Type", b"application/manifest+json");
    manifest
}
