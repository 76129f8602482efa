//! # Assets: which files are served, and where
//!
//! Folders ([`Folder`]) and files of the program ([`Shelf`]) below prefixes of their own. A file that
//! is named with the hash of its content may be kept for ever; every other is asked for again, and
//! mostly not sent again.

use std::path::PathBuf;
use std::sync::Arc;

use super::cx::Cx;
use super::error::Error;
use super::file::{Asked, failed};
use super::folder::{Folder, Looked};
use super::helper::Wait;
use super::names::push_segments;
use super::reply::Reply;
use super::router::Routes;
use super::shelf::{Asset, Shelf};
use crate::http::form::decoded_segments;
use crate::http::{Method, Response, Status};

/// Files to be served, as an app's author says it.
#[derive(Debug)]
pub(super) struct Mount {
    pub(super) prefix: String,
    pub(super) from: From,
}

/// Where files come from.
#[derive(Debug)]
pub(super) enum From {
    Folder(PathBuf),
    Embedded(&'static [Asset]),
}

/// All files that an app serves.
#[derive(Debug, Default)]
pub(super) struct Assets {
    shops: Vec<(String, Shop)>,
}

#[derive(Clone, Debug)]
enum Shop {
    Folder(Arc<Folder>),
    Shelf(Arc<Shelf>),
}

impl Assets {
    /// Opens folders, or says which of them cannot be served.
    pub(super) fn open(mounts: Vec<Mount>) -> Result<Self, String> {
        let shops = mounts.into_iter().map(|Mount { prefix, from }| {
            if !prefix.starts_with('/') || prefix.contains(['{', '}']) {
                return Err(format!(
                    "files are served below a plain path that begins with a slash, such as \
                     '/static', and not below '{prefix}'"
                ));
            }
            let shop = match from {
                From::Folder(path) => Shop::Folder(Arc::new(Folder::open(&path)?)),
                From::Embedded(assets) => Shop::Shelf(Arc::new(Shelf::new(assets)?)),
            };
            Ok((prefix.trim_end_matches('/').to_owned(), shop))
        });
        let shops = shops.collect::<Result<_, String>>()?;
        Ok(Self { shops })
    }

    /// The routes of all files, beside those that are there.
    pub(super) fn route<S: 'static>(&self, mut routes: Routes<S>) -> Routes<S> {
        for (prefix, shop) in &self.shops {
            for pattern in ["", "/", "/{path..}"] {
                let pattern = format!("{prefix}{pattern}");
                // A page of the app's own at the same place comes first.
                if pattern.is_empty() || routes.knows(Method::Get, &pattern) {
                    continue;
                }
                let (prefix, shop) = (prefix.clone(), shop.clone());
                let serve = move |cx: &mut Cx<'_, S>| shop.serve(cx, &prefix);
                routes = routes.get(&pattern, serve);
            }
        }
        routes
    }

    /// The address of a file, with the hash of its content if that is known.
    pub(super) fn url(&self, name: &str, look_again: bool) -> Result<String, String> {
        let name = name.trim_start_matches('/');
        let mut fallback = None;
        for (prefix, shop) in &self.shops {
            let hash = match shop {
                Shop::Shelf(shelf) => shelf.hash(name).map(Some),
                Shop::Folder(folder) => {
                    fallback.get_or_insert(prefix);
                    if look_again {
                        // What cannot be looked at is told to whoever asks for the file.
                        let _ = folder.look_again(name);
                    }
                    folder.hash(name)
                }
            };
            if let Some(hash) = hash {
                return Ok(address(prefix, name, hash));
            }
        }
        // Files come into folders while an app runs.
        match fallback {
            Some(prefix) => Ok(address(prefix, name, None)),
            None if self.shops.is_empty() => {
                Err("there are no files to be served: say where they \
                                                  are with App::assets or App::embedded"
                    .to_owned())
            }
            None => Err(format!("no embedded file is named '{name}'")),
        }
    }
}

fn address(prefix: &str, name: &str, hash: Option<u64>) -> String {
    let mut address = String::with_capacity(prefix.len() + name.len() + 24);
    push_segments(&mut address, prefix);
    address.push('/');
    push_segments(&mut address, name);
    if let Some(hash) = hash {
        address.push_str(&format!("?v={hash:016x}"));
    }
    address
}

/// The name of the file that a path means, behind a prefix; none if no file may be named so.
/// Nothing is left of a prefix without a slash behind it.
fn name_of(path: &str, prefix: &str) -> Option<String> {
    let segments = decoded_segments(path).ok()?;
    let name = format!("/{}", segments.join("/"));
    let name = name.strip_prefix(prefix)?;
    let Some(name) = name.strip_prefix('/') else {
        return name.is_empty().then(String::new);
    };
    let plain = name.strip_suffix('/').unwrap_or(name);
    let is_plain = plain
        .split('/')
        .all(|it| !it.is_empty() && !it.starts_with('.'));
    (is_plain || name.is_empty()).then(|| name.to_owned())
}

impl Shop {
    fn serve<S: 'static>(&self, cx: &Cx<'_, S>, prefix: &str) -> Reply<S> {
        let path = cx.request.path();
        let Some(name) = name_of(path, prefix) else {
            return Reply::Fail(Error::not_found());
        };
        let has_slash = path.ends_with('/');
        let is_bare = name.is_empty() && !has_slash;
        let asked = Asked::of(cx);
        match self {
            Self::Shelf(shelf) => {
                let gap = if name.is_empty() || has_slash {
                    ""
                } else {
                    "/"
                };
                let page = format!("{name}{gap}index.html");
                if !has_slash && shelf.has(&page) {
                    return Reply::Respond(behind_a_slash(&asked));
                }
                let name = if has_slash { page } else { name };
                match shelf.answer(&name, &asked) {
                    Some((response, hash)) => Reply::Respond(kept(response, cx, Some(hash))),
                    None => Reply::Fail(Error::not_found()),
                }
            }
            Self::Folder(folder) => {
                let folder = Arc::clone(folder);
                let look = move || {
                    let looked = folder.look(&name, &asked);
                    (looked, asked)
                };
                Wait::on_helper(look).then(move |cx, (looked, asked)| match looked {
                    Err(error) => Reply::Fail(failed(&error)),
                    Ok(Looked::Nothing) => Reply::Fail(Error::not_found()),
                    Ok(Looked::Folder) => Reply::Respond(behind_a_slash(&asked)),
                    Ok(Looked::File { .. }) if is_bare => Reply::Respond(behind_a_slash(&asked)),
                    Ok(Looked::File {
                        found,
                        varies,
                        hash,
                    }) => found.reply(&asked, |mut response| {
                        if varies {
                            response.vary("Accept-Encoding");
                        }
                        kept(response, cx, hash)
                    }),
                })
            }
        }
    }
}

/// Says how long an answer with a file may be kept: for ever if the file was named by the hash of
/// its content, else until it is asked for again.
fn kept<S>(response: Response, cx: &Cx<'_, S>, hash: Option<u64>) -> Response {
    let version = cx.request.query("v");
    let is_named = version.is_some() && version == hash.map(|hash| format!("{hash:016x}"));
    let kept = if is_named {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    response.field("Cache-Control", kept)
}

/// The page of a folder has its links relative to the folder.
fn behind_a_slash(asked: &Asked) -> Response {
    let head = asked.head();
    let mut location = format!("{}/", head.path());
    if let Some(query) = head.query() {
        location.push('?');
        location.push_str(query);
    }
    Response::redirect(&location).with_status(Status::PERMANENT_REDIRECT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_means_a_file_below_the_prefix_or_nothing() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(name_of(path, "/static").as_deref(), expected, "{path}");
        };
        check("/static", Some(""));
        check("/static/", Some(""));
        check("/static/app.css", Some("app.css"));
        check("/st%61tic/a%20b.css", Some("a b.css"));
        check("/static/a/b/", Some("a/b/"));
        check("/static/a..b", Some("a..b"));
        check("/static/%252e%252e/x", Some("%2e%2e/x"));
        for outside in [
            "/",
            "/other/app.css",
            "/staticapp.css",
            "/static/..",
            "/static/../secret",
            "/static/a/../../secret",
            "/static/%2e%2e/secret",
            "/static/.%2e/secret",
            "/static/..%2fsecret",
            "/static/..%5csecret",
            "/static/..\\secret",
            "/static//etc/passwd",
            "/static/a//b",
            "/static//",
            "/static/a//",
            "/static/.",
            "/static/./app.css",
            "/static/.env",
            "/static/.git/config",
            "/static/%2egit/config",
            "/static/a/.hidden",
            "/static/.hidden/",
            "/static/app.css%00",
            "/static/%00",
            "/static/a%0ab",
            "/static/%ff",
            "/static/%c0%ae%c0%ae/secret",
        ] {
            check(outside, None);
        }
        assert_eq!(name_of("//evil.example", ""), None);
        assert_eq!(name_of("/x", "").as_deref(), Some("x"));
    }

    #[test]
    fn a_file_has_an_address_with_the_hash_of_its_content() {
        const FEW: &[Asset] = &[Asset {
            path: "a b.css",
            bytes: b"x",
        }];
        let shelf = |prefix: &str| Mount {
            prefix: prefix.to_owned(),
            from: From::Embedded(FEW),
        };
        let assets = Assets::open(vec![shelf("/static/")]).unwrap();
        let url = assets.url("a b.css", false).unwrap();
        let hash = url.strip_prefix("/static/a%20b.css?v=").unwrap();
        assert_eq!(
            hash,
            format!("{:016x}", super::super::folder::hash_of(b"x"))
        );
        assert_eq!(assets.url("/a b.css", false).unwrap(), url);
        assert!(assets.url("b.css", false).unwrap_err().contains("'b.css'"));
        let folder = tempfile::tempdir().unwrap();
        let empty = Mount {
            prefix: "/up".to_owned(),
            from: From::Folder(folder.path().into()),
        };
        let both = Assets::open(vec![shelf("/static"), empty]).unwrap();
        assert_eq!(both.url("b.css", false).unwrap(), "/up/b.css");
        assert!(
            Assets::default()
                .url("b.css", false)
                .unwrap_err()
                .contains("App::assets")
        );
    }

    #[test]
    fn what_cannot_be_served_is_refused() {
        let check = |prefix: &str, from: From, expected: &str| {
            let mount = Mount {
                prefix: prefix.to_owned(),
                from,
            };
            let error = Assets::open(vec![mount]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("static", From::Embedded(&[]), "'static'");
        check("/{a}", From::Embedded(&[]), "'/{a}'");
        check(
            "/s",
            From::Folder("/nothing/at/all".into()),
            "/nothing/at/all",
        );
        let hidden = &[Asset {
            path: ".x",
            bytes: b"",
        }];
        check("/s", From::Embedded(hidden), "'.x'");
        let twice = &[
            Asset {
                path: "x",
                bytes: b"",
            },
            Asset {
                path: "x",
                bytes: b"",
            },
        ];
        check("/s", From::Embedded(twice), "twice");
    }
}
