//! # mvc: a list of things to do and a micro-blog, in one program
//!
//! Models, pages and handlers, as in the frameworks that draw those three apart: each area has a file
//! with its model and its table of routes ([`user`], [`todo`], [`weibo`]), its pages are in
//! `templates/`, and all of them live in one database. There is no JavaScript.
//!
//! ```text
//! cargo run --example mvc -- --templates examples/mvc/templates
//! ```
//!
//! With `--templates` pages are read from a folder, and a changed one is there with the next request.

mod form;
mod schema;
mod todo;
mod user;
mod weibo;
mod when;

use std::error::Error as StdError;
use std::process::ExitCode;

use parlour::cli::{Args, Program};
use parlour::http::{Response, Status};
use parlour::store::{Database, Reader};
use parlour::web::middleware::{AccessLog, Compression, Csrf, SecurityHeaders, Sessions};
use parlour::web::{App, Asset, Cx, Error, Routes, Secret, Templates, context};

/// What handlers share: writing is a job for the database, reading by key is done at once.
pub(crate) struct Site {
    pub(crate) database: Database,
    pub(crate) reader: Reader,
}

const PAGES: &[(&str, &str)] = &[
    ("base.html", include_str!("templates/base.html")),
    ("confirm.html", include_str!("templates/confirm.html")),
    ("error.html", include_str!("templates/error.html")),
    ("fields.html", include_str!("templates/fields.html")),
    ("home.html", include_str!("templates/home.html")),
    ("todo/edit.html", include_str!("templates/todo/edit.html")),
    ("todo/index.html", include_str!("templates/todo/index.html")),
    ("user/login.html", include_str!("templates/user/login.html")),
    (
        "user/profile.html",
        include_str!("templates/user/profile.html"),
    ),
    (
        "user/register.html",
        include_str!("templates/user/register.html"),
    ),
    (
        "weibo/index.html",
        include_str!("templates/weibo/index.html"),
    ),
    ("weibo/post.html", include_str!("templates/weibo/post.html")),
];

const FILES: &[Asset] = parlour::assets!("static": ["app.css", "icon.svg"]);

/// Pages load a style sheet and an icon from here, send forms to here, and that is all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// A form with the longest texts that are taken fits in here, whatever they are made of.
const FORM_BYTES_MAX: u64 = 64 << 10;

fn main() -> ExitCode {
    Program::new("mvc", "things to do and a micro-blog, for many people")
        .keeps_data("mvc-data")
        .option(
            "templates DIR",
            "",
            "Read pages from this folder, again when they change",
        )
        .run(app)
}

fn app(args: &mut Args) -> Result<App<Site>, Box<dyn StdError>> {
    let database = Database::open(
        args.data().join("mvc.db"),
        &[schema::MIGRATIONS, Sessions::MIGRATIONS],
    )?;
    let secret = Secret::in_folder(args.data())?;
    let templates = match args.option("templates") {
        "" => Templates::embedded(PAGES),
        folder => Templates::folder(folder).reload(true),
    };
    let sessions = Sessions::new(&database, &secret)?;
    let reader = database.reader()?;
    Ok(App::new(Site { database, reader })
        .wrap(AccessLog)
        .wrap(Compression::new())
        .wrap(SecurityHeaders::policy(POLICY))
        .wrap(sessions)
        .wrap(Csrf::new(&secret))
        .on_error(error_page)
        .templates(templates)
        .embedded("/static", FILES)
        .body_bytes_max(FORM_BYTES_MAX)
        .nest("", routes()))
}

fn routes() -> Routes<Site> {
    Routes::new()
        .get("/", home)
        .named("home")
        .nest("", user::routes().names_under("user"))
        .nest("/todo", todo::routes().names_under("todo"))
        .nest("/weibo", weibo::routes().names_under("weibo"))
}

fn home(cx: &mut Cx<'_, Site>) -> Result<Response, Error> {
    cx.render("home.html", context! {})
}

/// Errors in the site's own layout, for people; programs get the line of text.
fn error_page(cx: &mut Cx<'_, Site>, error: &Error) -> Option<Response> {
    if !parlour::http::wants_html(cx.request.head().all_fields()) {
        return None;
    }
    let status = error.status();
    let (title, message) = match status {
        Status::NOT_FOUND => (
            "There is no such page",
            "The address is wrong, or what was here has been deleted.",
        ),
        Status::FORBIDDEN => ("That is not for you", error.message()),
        Status::INTERNAL_SERVER_ERROR => ("Something broke", error.message()),
        other => (other.reason(), error.message()),
    };
    let page = context! {
        status => status.code(),
        title => title,
        message => message,
    };
    Some(cx.render("error.html", page).ok()?.with_status(status))
}
