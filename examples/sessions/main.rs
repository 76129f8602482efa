//! A public chat over REST: accounts, tokens, chats that are known by their address, and a bot.
//!
//! ```text
//! cargo run --example sessions -- --listen 127.0.0.1:8000
//! ```
//!
//! The paths, bodies and errors are those of a tutorial that many people know (Django, djoser and the
//! Django REST framework behind a page in Vue), so its page works with this server as it is: the API
//! at port 8000, what is new over a WebSocket at port 8081. Our own page is at `/`.
//!
//! ```text
//! POST  /auth/users/create/        email, username, password   201 {"email","id","username"}
//! POST  /auth/token/create/        username, password          {"auth_token"}: Authorization: Token …
//! POST  /auth/jwt/create/          username, password          {"token"}:      Authorization: JWT …
//! POST  /this/is/hard/to/find/     token                       {"token"}: a JWT that lasts longer
//! POST  /api/chats/                                            {"status","uri","message"}
//! PATCH /api/chats/URI/            username                    {"status","members","message","user"}
//! POST  /api/chats/URI/messages/   message                     {"status","uri","message","user"}
//! GET   /api/chats/URI/messages/                               {"id","uri","messages"}
//! GET   /URI                       WebSocket                   {"user","message"} for each message
//! ```
//!
//! What is open, and meant to be: a chat's address is its invitation. Whoever is signed in and knows
//! it may join, and whoever knows it may listen at the WebSocket without saying who they are, because
//! that page does. Reading the history and writing are for members, and a member may add others.
//! Pages of any origin may use the API: they have to bring a token, and there are no cookies.
//!
//! A message that begins with `/` is a question: `hubot` answers it with a passage of what it has
//! read, which is what lies in `docs/` here and in `--docs FOLDER`.

mod accounts;
mod chats;
mod hubot;
mod input;
mod store;
mod tokens;

use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use parlour::cli::Program;
use parlour::http::{Response, Status};
use parlour::store::{Database, Reader};
use parlour::web::middleware::{Cors, SecurityHeaders};
use parlour::web::{App, Asset, Cx, Error, Secret, consumer, guard, rate_limit, rate_limit_by};
use serde_json::json;

const PAGE: &str = include_str!("page/index.html");
const ASSETS: &[Asset] = parlour::assets!("page": ["chat.css", "chat.js"]);

/// Where the page of the tutorial looks for its WebSocket.
const WS_LISTEN: &str = "127.0.0.1:8081";
const MINUTE: Duration = Duration::from_secs(60);

/// What the handlers share.
struct Chat {
    database: Database,
    /// For what is looked up by its key, which is quick enough for the loop.
    reader: Reader,
    /// What JWTs are signed with.
    key: tokens::Key,
}

fn page(_: &mut Cx<'_, Chat>) -> Response {
    Response::html(PAGE).field("Cache-Control", "no-cache")
}

/// Errors of the API as that framework writes them.
fn face(cx: &mut Cx<'_, Chat>, error: &Error) -> Option<Response> {
    let path = cx.request.path();
    if !["/api/", "/auth/", "/this/"]
        .iter()
        .any(|it| path.starts_with(it))
    {
        return None;
    }
    let detail = match error.status() {
        Status::METHOD_NOT_ALLOWED => format!("Method \"{}\" not allowed.", cx.request.method()),
        Status::NOT_FOUND => "Not found.".to_owned(),
        _ => error.message().to_owned(),
    };
    let body = json!({ "detail": detail }).to_string();
    Some(Response::json(body).with_status(error.status()))
}

fn app(chat: Chat) -> App<Chat> {
    // What that page sends, and what lets a script of another site ask whether there is news.
    let cors = Cors::any()
        .headers(&["Authorization", "Content-Type", "If-None-Match"])
        .expose(&["ETag"]);
    // Guessing a password is slow for everybody, and slower for whoever tries one name often.
    let by_name = |cx: &mut Cx<'_, Chat>| input::Input::of(cx.request).ok()?.text("username");
    let sparing = |handler: fn(&mut Cx<'_, Chat>) -> accounts::Answer| {
        rate_limit_by(30, MINUTE, by_name, handler)
    };
    // Anything may stand at the root's first segment, so what is no WebSocket is not there.
    let only_sockets = |cx: &mut Cx<'_, Chat>| match cx.request.is_upgrade() {
        true => Ok(()),
        false => Err(Error::not_found()),
    };
    let live = || guard(only_sockets, consumer(chats::Listener::default));
    App::new(chat)
        .wrap(SecurityHeaders::default())
        .wrap(cors)
        .on_error(face)
        .get("/", page)
        .get("/chats/{uri}/", page)
        .embedded("/static", ASSETS)
        .post(
            "/auth/users/create/",
            rate_limit(200, MINUTE, accounts::create),
        )
        .post("/auth/token/create/", sparing(accounts::create_token))
        .post("/auth/jwt/create/", sparing(accounts::create_jwt))
        .post("/this/is/hard/to/find/", accounts::refresh_jwt)
        .post("/api/chats/", chats::create)
        .route(
            parlour::http::Method::Patch,
            "/api/chats/{uri}/",
            chats::join,
        )
        .get("/api/chats/{uri}/messages/", chats::history)
        .post("/api/chats/{uri}/messages/", chats::say)
        .get("/{uri}", live())
        .get("/{uri}/", live())
}

fn main() -> ExitCode {
    Program::new("sessions", "a public chat over REST, with a bot")
        .keeps_data("sessions-data")
        .option(
            "ws-listen ADDR",
            WS_LISTEN,
            "Where to listen for WebSockets as well",
        )
        .option(
            "docs DIR",
            "",
            "Folder with text and Markdown that the bot is to read",
        )
        .run(|args| -> Result<_, Box<dyn std::error::Error>> {
            let also = args.option("ws-listen");
            // Whoever did not ask for it can do without it, as when two of these run at a time.
            if also == WS_LISTEN && TcpListener::bind(also).is_err() {
                log::warn!("{also} is taken: WebSockets only at --listen");
            } else {
                let also = also
                    .parse()
                    .map_err(|why: String| format!("--ws-listen: {why}"))?;
                args.listen_also(also);
            }
            let passages = hubot::read(args.option("docs"))?;
            let database = Database::open(args.data().join("sessions.db"), &[store::TABLES])?;
            database.run(move |connection| hubot::learn(connection, &passages))?;
            let secret = Secret::in_folder(args.data())?;
            Ok(app(Chat {
                reader: database.reader()?,
                key: tokens::Key::of(&secret),
                database,
            }))
        })
}
