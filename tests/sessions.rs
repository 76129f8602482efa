//! # The example `sessions`, from outside
//!
//! The tutorial's page is played request by request, in its order and with its fields; then every
//! endpoint with what people get wrong, and with what they try on purpose.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use parlour::client::{ConnectError, Socket};
use parlour::web::Secret;
use people::{Answer, Browser, Example, escaped, hear};
use serde_json::{Value, json};
use sha2::Sha256;

mod people;

const PASSWORD: &str = "correct-horse";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// A server, and where its second listener is.
struct Server {
    example: Example,
    live: Browser,
}

impl Server {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(options: &[&str]) -> Self {
        let options = [&["--ws-listen", "127.0.0.1:0"], options].concat();
        Self::of(Example::with_data("sessions", &options))
    }

    fn of(mut example: Example) -> Self {
        let line = example.line();
        let address = line.strip_prefix("also listening on http://").unwrap();
        let live = Browser::at(address.parse().unwrap());
        Self { example, live }
    }

    fn restart(self) -> Self {
        let options = ["--ws-listen", "127.0.0.1:0"];
        Self::of(self.example.restart("sessions", &options))
    }

    /// Somebody with an account and a token.
    fn person(&self, name: &str) -> Person {
        let mut browser = self.example.browser();
        let account = json!({ "email": "a@b.org", "username": name, "password": PASSWORD });
        let made = browser.send("POST", "/auth/users/create/", &account);
        let id = made.expect(201).json()["id"].as_i64().unwrap();
        let mut person = Person {
            browser,
            name: name.to_owned(),
            id,
            authorization: String::new(),
        };
        person.authorization = format!("Token {}", person.sign_in("token", "auth_token"));
        person
    }

    fn secret(&self) -> Secret {
        Secret::in_folder(self.example.data()).unwrap()
    }
}

struct Person {
    browser: Browser,
    name: String,
    id: i64,
    authorization: String,
}

impl Person {
    /// A token of either kind.
    fn sign_in(&mut self, kind: &str, named: &str) -> String {
        let credentials = json!({ "username": self.name, "password": PASSWORD });
        let path = format!("/auth/{kind}/create/");
        let answer = self.browser.send("POST", &path, &credentials).expect(200);
        answer.json()[named].as_str().unwrap().to_owned()
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let fields = [
            ("Authorization", self.authorization.as_str()),
            ("Content-Type", "application/json"),
        ];
        self.browser.ask(method, path, &fields, body.as_bytes())
    }

    fn start(&mut self) -> String {
        let started = self.ask("POST", "/api/chats/", &json!({})).expect(200);
        started.json()["uri"].as_str().unwrap().to_owned()
    }

    fn join(&mut self, uri: &str) -> Answer {
        let body = json!({ "username": self.name });
        self.ask("PATCH", &format!("/api/chats/{uri}/"), &body)
    }

    fn say(&mut self, uri: &str, text: &str) -> Answer {
        let path = format!("/api/chats/{uri}/messages/");
        self.ask("POST", &path, &json!({ "message": text }))
    }

    fn history(&mut self, uri: &str) -> Answer {
        let fields = [("Authorization", self.authorization.as_str())];
        let path = format!("/api/chats/{uri}/messages/");
        self.browser.ask("GET", &path, &fields, b"")
    }

    /// What has been said, as `NAME: TEXT`.
    fn said(&mut self, uri: &str) -> Vec<String> {
        let history = self.history(uri).expect(200).json();
        history["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect()
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "username": self.name,
            "email": "a@b.org",
            "first_name": "",
            "last_name": "",
        })
    }
}

fn line(message: &Value) -> String {
    let name = message["user"]["username"].as_str().unwrap();
    format!("{name}: {}", message["message"].as_str().unwrap())
}

fn pairs(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter();
    let pairs = pairs.map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

// ---- the tutorial's page ----------------------------------------------------------------------

/// A browser that shows a page of another origin, as jQuery asks from there.
struct Page {
    browser: Browser,
    origin: &'static str,
    host: String,
    authorization: Option<String>,
}

impl Page {
    fn ask(&mut self, method: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let authorization = self.authorization.clone();
        // What a form could not send is asked about first.
        if authorization.is_some() || method == "PATCH" {
            let mut wanted = vec![
                ("Host", self.host.as_str()),
                ("Origin", self.origin),
                ("Access-Control-Request-Method", method),
            ];
            if authorization.is_some() {
                wanted.push(("Access-Control-Request-Headers", "authorization"));
            }
            let allowed = self.browser.ask("OPTIONS", path, &wanted, b"").expect(204);
            let origin = allowed.field("access-control-allow-origin").unwrap();
            assert!(origin == "*" || origin == self.origin);
            let methods = allowed.field("access-control-allow-methods").unwrap();
            assert!(methods.split(", ").any(|it| it == method));
            let fields = allowed.field("access-control-allow-headers").unwrap();
            assert!(
                fields
                    .split(", ")
                    .any(|it| it.eq_ignore_ascii_case("authorization"))
            );
        }
        let referer = format!("{}/", self.origin);
        let mut fields = vec![
            ("Host", self.host.as_str()),
            ("Accept", "*/*"),
            ("Origin", self.origin),
            ("Referer", &referer),
        ];
        if !form.is_empty() {
            fields.push(("Content-Type", FORM));
        }
        if let Some(authorization) = &authorization {
            fields.push(("Authorization", authorization));
        }
        let body = pairs(form);
        let answer = self.browser.ask(method, path, &fields, body.as_bytes());
        let origin = answer.field("access-control-allow-origin").unwrap();
        assert!(
            origin == "*" || origin == self.origin,
            "the page may read it"
        );
        answer
    }
}

#[test]
fn the_tutorials_page_works_as_it_is() {
    for origin in ["http://localhost:8080", "http://127.0.0.1:8080"] {
        let server = Server::start();
        let port = server.example.address.port();
        let page = |host: &str| Page {
            browser: server.example.browser(),
            origin,
            host: format!("{host}:{port}"),
            authorization: None,
        };
        // Signing up sends all of the page's data, signing in only the credentials.
        let sign_up = |name: &str| {
            let mut page = page("localhost");
            let account = [
                ("email", "ann@example.org"),
                ("username", name),
                ("password", PASSWORD),
            ];
            let made = page.ask("POST", "/auth/users/create/", &account);
            let id = made.clone().expect(201).json()["id"].clone();
            let expected = json!({ "email": "ann@example.org", "username": name, "id": id });
            assert_eq!(made.json(), expected);
            assert_eq!(made.field("content-type"), Some("application/json"));
            let token = page.ask("POST", "/auth/token/create/", &account[1..]);
            let token = token.expect(200).json()["auth_token"].clone();
            page.authorization = Some(format!("Token {}", token.as_str().unwrap()));
            page
        };
        let mut ann = sign_up("ann");
        // jQuery posts nothing at all for a new chat.
        let started = ann.ask("POST", "/api/chats/", &[]).expect(200).json();
        assert_eq!(started["status"], "SUCCESS");
        assert_eq!(started["message"], "New chat session created");
        let uri = started["uri"].as_str().unwrap().to_owned();
        assert!(uri.len() == 15 && uri.bytes().all(|it| it.is_ascii_hexdigit()));

        // The page at /chats/URI/ joins and opens its WebSocket at the other port.
        let chat = format!("/api/chats/{uri}/");
        let messages = format!("/api/chats/{uri}/messages/");
        let joined = ann.ask("PATCH", &chat, &[("username", "ann")]).expect(200);
        let members = joined.json()["members"].clone();
        assert_eq!(members.as_array().unwrap().len(), 1);
        let mut ann_hears = server
            .live
            .socket_from(&format!("/{uri}"), origin)
            .expect("no credentials are wanted there");

        let mut bo = sign_up("bo");
        let joined = bo
            .ask("PATCH", &chat, &[("username", "bo")])
            .expect(200)
            .json();
        assert_eq!(joined["status"], "SUCCESS");
        assert_eq!(joined["message"], "bo joined the chat");
        assert_eq!(joined["user"]["username"], "bo");
        let names: Vec<&str> = joined["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["username"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["ann", "bo"], "the owner comes first");
        let mut bo_hears = server.live.socket_from(&format!("/{uri}"), origin).unwrap();

        // The history is asked for at the other name of this machine.
        bo.host = format!("127.0.0.1:{port}");
        let empty = bo.ask("GET", &messages, &[]).expect(200).json();
        assert_eq!(empty["uri"], uri.as_str());
        assert!(empty["id"].is_i64());
        assert_eq!(empty["messages"], json!([]));

        let sent = ann.ask("POST", &messages, &[("message", "Hi Bo & all + more = ü")]);
        let sent = sent.expect(200).json();
        let user = sent["user"].clone();
        let expected = json!({
            "status": "SUCCESS",
            "uri": uri,
            "message": "Hi Bo & all + more = ü",
            "user": user,
        });
        assert_eq!(sent, expected);
        let keys: Vec<&String> = user.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["email", "first_name", "id", "last_name", "username"]);
        let told = json!({ "user": user, "message": "Hi Bo & all + more = ü" });
        assert_eq!(hear(&mut ann_hears), told);
        assert_eq!(hear(&mut bo_hears), told);
        let history = bo.ask("GET", &messages, &[]).expect(200).json();
        assert_eq!(history["messages"], json!([told]));

        // A token as the page renews it: a JWT every four minutes.
        let credentials = [("username", "ann"), ("password", PASSWORD)];
        ann.authorization = None;
        let jwt = ann.ask("POST", "/auth/jwt/create/", &credentials);
        let jwt = jwt.expect(200).json()["token"].as_str().unwrap().to_owned();
        ann.authorization = Some(format!("JWT {jwt}"));
        let renewed = ann.ask("POST", "/this/is/hard/to/find/", &[("token", &jwt)]);
        let jwt = renewed.expect(200).json()["token"].clone();
        ann.authorization = Some(format!("JWT {}", jwt.as_str().unwrap()));
        ann.ask("GET", &messages, &[]).expect(200);
        assert!(server.example.terminate().success());
    }
}

// ---- accounts ---------------------------------------------------------------------------------

#[test]
fn what_is_wrong_with_an_account_is_said_field_by_field() {
    let server = Server::start();
    server.person("ann");
    let mut browser = server.example.browser();
    let required = "This field is required.";
    let blank = "This field may not be blank.";
    let too_short = "This password is too short. It must contain at least 8 characters.";
    let odd = "Enter a valid username. This value may contain only letters, numbers, and \
               @/./+/-/_ characters.";
    let taken = "A user with that username already exists.";
    let long = "x".repeat(151);
    let very_long = "x".repeat(2000);
    let cases = [
        (
            json!({}),
            json!({ "username": [required], "password": [required] }),
        ),
        (
            json!({ "username": " ", "password": "" }),
            json!({ "username": [blank], "password": [blank] }),
        ),
        (
            json!({ "username": "ann", "password": PASSWORD }),
            json!({ "username": [taken] }),
        ),
        (
            json!({ "username": "Hubot", "password": PASSWORD }),
            json!({ "username": [taken] }),
        ),
        (
            json!({ "username": "a b", "password": PASSWORD }),
            json!({ "username": [odd] }),
        ),
        (
            json!({ "username": "bo\r\nSet-Cookie: a=b", "password": PASSWORD }),
            json!({ "username": [odd] }),
        ),
        (
            json!({ "username": "<script>", "password": PASSWORD }),
            json!({ "username": [odd] }),
        ),
        (
            json!({ "username": long, "password": PASSWORD }),
            json!({ "username": ["Ensure this field has no more than 150 characters."] }),
        ),
        (
            json!({ "username": "bo", "password": "short" }),
            json!({ "password": [too_short] }),
        ),
        (
            json!({ "username": "bo", "password": 1234567890 }),
            json!({ "password": ["This password is entirely numeric."] }),
        ),
        (
            json!({ "username": "bobobobo", "password": "BOBOBOBO" }),
            json!({ "password": ["The password is too similar to the username."] }),
        ),
        (
            json!({ "username": "bo", "password": very_long }),
            json!({ "password": ["Ensure this field has no more than 128 characters."] }),
        ),
        (
            json!({ "username": "bo", "password": PASSWORD, "email": "bo" }),
            json!({ "email": ["Enter a valid email address."] }),
        ),
        (
            json!({ "username": "bo", "password": PASSWORD, "email": "a@b.org\r\nBcc: c@d.org" }),
            json!({ "email": ["Enter a valid email address."] }),
        ),
    ];
    for (account, wrong) in cases {
        let answer = browser
            .send("POST", "/auth/users/create/", &account)
            .expect(400);
        assert_eq!(answer.json(), wrong, "{account}");
        // The same as a form.
        let object = account.as_object().unwrap().iter();
        let form: Vec<(&str, String)> = object
            .map(|(name, value)| {
                (
                    name.as_str(),
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned),
                )
            })
            .collect();
        let form: Vec<(&str, &str)> = form
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = browser.post("/auth/users/create/", &form).expect(400);
        assert_eq!(answer.json(), wrong, "{account} as a form");
    }
    let unicode = json!({ "username": "jürgen.ß+1@x_-", "password": PASSWORD });
    let made = browser
        .send("POST", "/auth/users/create/", &unicode)
        .expect(201);
    assert_eq!(made.json()["username"], "jürgen.ß+1@x_-");
    assert_eq!(made.json()["email"], "");
}

#[test]
fn two_who_want_one_name_at_once_do_not_both_get_it() {
    let server = Server::start();
    let address = server.example.address;
    let account = json!({ "username": "ann", "password": PASSWORD });
    let body = account.to_string();
    // Both are looked up before either is stored: hashing takes longer than asking.
    let statuses: Vec<u16> = {
        use std::io::{Read, Write};
        let ask = || {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(people::PATIENCE)).unwrap();
            let length = body.len();
            write!(
                stream,
                "POST /auth/users/create/ HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            stream
        };
        let mut streams: Vec<_> = (0..4).map(|_| ask()).collect();
        let status = |stream: &mut std::net::TcpStream| {
            let mut head = [0; 12];
            stream.read_exact(&mut head).unwrap();
            std::str::from_utf8(&head[9..]).unwrap().parse().unwrap()
        };
        streams.iter_mut().map(status).collect()
    };
    let made = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!((made, refused), (1, 3), "{statuses:?}");
}

#[test]
fn signing_in_tells_nobody_who_has_an_account() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let no_match = json!({ "non_field_errors": ["Unable to log in with provided credentials."] });
    for path in ["/auth/token/create/", "/auth/jwt/create/"] {
        for (name, word) in [
            ("ann", "wrong-horse"),
            ("nobody", PASSWORD),
            ("Ann", PASSWORD),
            ("hubot", ""),
            ("hubot", "x"),
            ("ann' OR '1'='1", PASSWORD),
        ] {
            let credentials = [("username", name), ("password", word)];
            let refused = ann.browser.post(path, &credentials).expect(400);
            if !word.is_empty() {
                assert_eq!(refused.json(), no_match, "{name}");
            }
        }
        let missing = ann.browser.post(path, &[("username", "ann")]).expect(400);
        let expected = json!({ "password": ["This field is required."] });
        assert_eq!(missing.json(), expected);
        let fields = [("Content-Type", "application/json")];
        let garbled = ann
            .browser
            .ask("POST", path, &fields, b"{\"username\":")
            .expect(400);
        let detail = garbled.json()["detail"].clone();
        assert!(detail.as_str().unwrap().starts_with("JSON parse error"));
        ann.browser.ask("POST", path, &fields, b"[1]").expect(400);
        let other = [("Content-Type", "text/plain")];
        let refused = ann.browser.ask("POST", path, &other, b"a").expect(415);
        let expected = json!({ "detail": "Unsupported media type \"text/plain\" in request." });
        assert_eq!(refused.json(), expected);
        let wrong = ann.browser.get(path).expect(405);
        assert_eq!(
            wrong.json(),
            json!({ "detail": "Method \"GET\" not allowed." })
        );
    }
    // Whoever goes on guessing is stopped.
    let guess = [("username", "ann"), ("password", "wrong-horse")];
    let mut tries = 0;
    while ann.browser.post("/auth/token/create/", &guess).status == 400 {
        tries += 1;
        assert!(tries < 100, "there is an end");
    }
    let stopped = ann.browser.post("/auth/token/create/", &guess).expect(429);
    assert!(stopped.json()["detail"].is_string());
}

#[test]
fn tokens_are_kept_as_hashes_and_are_several() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let other = ann.sign_in("token", "auth_token");
    assert_eq!(other.len(), 40);
    assert_ne!(ann.authorization, format!("Token {other}"));
    let uri = ann.start();
    ann.history(&uri).expect(200);
    ann.authorization = format!("token {other}");
    ann.history(&uri).expect(200);
    let mut kept = Vec::new();
    for entry in std::fs::read_dir(server.example.data()).unwrap() {
        kept.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let has = |needle: &str| {
        let mut windows = kept.windows(needle.len());
        windows.any(|window| window == needle.as_bytes())
    };
    assert!(has("ann"), "this is where it is kept");
    assert!(!has(&other) && !has(PASSWORD));
}

// ---- JWT --------------------------------------------------------------------------------------

fn signed(secret: &Secret, head: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(head), part(claims));
    let key = secret.sign("jwt", "HS256");
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    let signature = mac.finalize().into_bytes();
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

fn claims_of(jwt: &str) -> Value {
    let claims = jwt.split('.').nth(1).unwrap();
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}

#[test]
fn only_jwts_that_are_ours_and_good_are_taken() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let bo = server.person("bo");
    let uri = ann.start();
    let secret = server.secret();
    let jwt = ann.sign_in("jwt", "token");
    let claims = claims_of(&jwt);
    assert_eq!(claims["username"], "ann");
    assert_eq!(claims["user_id"], ann.id);
    let (exp, iat) = (
        claims["exp"].as_u64().unwrap(),
        claims["orig_iat"].as_u64().unwrap(),
    );
    assert_eq!(exp - iat, 300);
    let head = json!({ "typ": "JWT", "alg": "HS256" });

    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        changed
    };
    let without = |name: &str| {
        let mut changed = claims.clone();
        changed.as_object_mut().unwrap().remove(name);
        changed
    };
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let parts: Vec<&str> = jwt.split('.').collect();
    let none = part(&json!({ "typ": "JWT", "alg": "none" }));
    let others = with("user_id", json!(bo.id));
    let forged = "Error decoding signature.";
    let cases = [
        (signed(&Secret::random(), &head, &claims), forged),
        (format!("{none}.{}.", parts[1]), forged),
        (format!("{none}.{}", parts[1]), forged),
        (format!("{none}.{}.{}", parts[1], parts[2]), forged),
        (
            format!("{}.{}.{}", parts[0], part(&others), parts[2]),
            forged,
        ),
        (format!("{}.{}.", parts[0], parts[1]), forged),
        (format!("{jwt}="), forged),
        (format!("{jwt}.{}", parts[2]), forged),
        (
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][..20]),
            forged,
        ),
        // Even with the right key.
        (signed(&secret, &json!({ "alg": "none" }), &claims), forged),
        (signed(&secret, &json!({ "alg": "HS512" }), &claims), forged),
        (
            signed(&secret, &json!({ "alg": ["HS256"] }), &claims),
            forged,
        ),
        (signed(&secret, &json!("HS256"), &claims), forged),
        (signed(&secret, &head, &without("exp")), forged),
        (
            signed(&secret, &head, &with("exp", json!("9999999999"))),
            forged,
        ),
        (signed(&secret, &head, &with("exp", json!(-1))), forged),
        (signed(&secret, &head, &without("user_id")), forged),
        (signed(&secret, &head, &without("orig_iat")), forged),
        (
            signed(&secret, &head, &with("exp", json!(iat - 1))),
            "Signature has expired.",
        ),
        ("x".repeat(6000), forged),
        ("..".to_owned(), forged),
    ];
    for (bad, why) in &cases {
        ann.authorization = format!("JWT {bad}");
        let refused = ann.history(&uri).expect(401);
        assert_eq!(refused.json(), json!({ "detail": why }), "{bad}");
        assert!(refused.field("www-authenticate").is_some());
        let refused = ann
            .browser
            .post("/this/is/hard/to/find/", &[("token", bad)]);
        let expected = json!({ "non_field_errors": [why] });
        assert_eq!(refused.expect(400).json(), expected, "{bad}");
    }
    // Somebody who does not exist.
    let nobody = signed(&secret, &head, &with("user_id", json!(999)));
    ann.authorization = format!("JWT {nobody}");
    assert_eq!(
        ann.history(&uri).expect(401).json(),
        json!({ "detail": "Invalid token." })
    );
    ann.browser
        .post("/this/is/hard/to/find/", &[("token", &nobody)])
        .expect(400);
    let missing = ann.browser.post("/this/is/hard/to/find/", &[]).expect(400);
    assert_eq!(
        missing.json(),
        json!({ "token": ["This field is required."] })
    );

    // A good one is renewed, and still says when its owner signed in; until that is too long ago.
    let early = signed(&secret, &head, &with("orig_iat", json!(iat - 1000)));
    let renewed = ann
        .browser
        .send("POST", "/this/is/hard/to/find/", &json!({ "token": early }));
    let renewed = renewed.expect(200).json()["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(claims_of(&renewed)["orig_iat"], iat - 1000);
    assert!(claims_of(&renewed)["exp"].as_u64().unwrap() >= exp);
    ann.authorization = format!("JWT {renewed}");
    ann.history(&uri).expect(200);
    let old = signed(
        &secret,
        &head,
        &with("orig_iat", json!(iat - 8 * 24 * 3600)),
    );
    ann.authorization = format!("JWT {old}");
    ann.history(&uri).expect(200);
    let refused = ann
        .browser
        .post("/this/is/hard/to/find/", &[("token", &old)])
        .expect(400);
    assert_eq!(
        refused.json(),
        json!({ "non_field_errors": ["Refresh has expired."] })
    );
}

// ---- chats ------------------------------------------------------------------------------------

#[test]
fn nobody_gets_anywhere_without_a_token() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let uri = ann.start();
    let missing = "Authentication credentials were not provided.";
    let good = ann.authorization.clone();
    for (authorization, detail) in [
        ("", missing),
        ("Token", missing),
        ("Token ", missing),
        ("Bearer abc", missing),
        (&good[6..], missing),
        ("Token abc", "Invalid token."),
        ("Token undefined", "Invalid token."),
        ("JWT abc", "Error decoding signature."),
        ("Token ' OR 1=1 --", "Invalid token."),
    ] {
        ann.authorization = authorization.to_owned();
        let refusals = [
            ann.ask("POST", "/api/chats/", &json!({})),
            ann.join(&uri),
            ann.history(&uri),
            ann.say(&uri, "x"),
        ];
        for refused in refusals {
            let refused = refused.expect(401);
            assert_eq!(
                refused.json(),
                json!({ "detail": detail }),
                "{authorization}"
            );
            assert_eq!(refused.field("access-control-allow-origin"), Some("*"));
        }
    }
    ann.authorization = good;
    assert!(ann.said(&uri).is_empty());
}

#[test]
fn a_chat_is_for_its_members() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let mut bo = server.person("bo");
    let cy = server.person("cy");
    let uri = ann.start();
    let other = ann.start();
    assert_ne!(uri, other);
    let denied = json!({ "detail": "You do not have permission to perform this action." });
    assert_eq!(bo.history(&uri).expect(403).json(), denied);
    assert_eq!(bo.say(&uri, "let me in").expect(403).json(), denied);
    let path = format!("/api/chats/{uri}/");
    // A stranger brings nobody in, not even a member again.
    for name in ["cy", "ann", "nobody"] {
        let refused = bo
            .ask("PATCH", &path, &json!({ "username": name }))
            .expect(403);
        assert_eq!(refused.json(), denied);
    }
    let joined = bo.join(&uri).expect(200).json();
    assert_eq!(joined["members"], json!([ann.json(), bo.json()]));
    assert_eq!(joined["user"], bo.json());
    assert_eq!(bo.join(&uri).expect(200).json(), joined, "twice is once");
    let own = ann.join(&uri).expect(200).json();
    assert_eq!(own["members"], joined["members"]);
    assert_eq!(own["message"], "ann joined the chat");
    let added = bo
        .ask("PATCH", &path, &json!({ "username": "cy" }))
        .expect(200)
        .json();
    assert_eq!(added["members"], json!([ann.json(), bo.json(), cy.json()]));
    let nobody = bo
        .ask("PATCH", &path, &json!({ "username": "nobody" }))
        .expect(400);
    assert!(nobody.json()["username"][0].is_string());
    let missing = bo.ask("PATCH", &path, &json!({})).expect(400);
    assert_eq!(
        missing.json(),
        json!({ "username": ["This field is required."] })
    );
    bo.say(&uri, "hello").expect(200);
    assert_eq!(bo.history(&other).expect(403).json(), denied);
    assert!(
        ann.said(&other).is_empty(),
        "what is said here is not said there"
    );

    for uri in [
        "000000000000000",
        "x",
        "%0d%0aSet-Cookie:%20a=b",
        "..%2f..",
        "'%20OR%201=1",
    ] {
        for answer in [bo.join(uri), bo.history(uri), bo.say(uri, "x")] {
            let answer = answer.expect(404);
            assert_eq!(answer.json(), json!({ "detail": "Not found." }));
            assert_eq!(answer.field("set-cookie"), None);
        }
    }
}

#[test]
fn messages_are_what_was_written_and_never_markup() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let uri = ann.start();
    let path = format!("/api/chats/{uri}/messages/");
    let mut socket = server.live.socket(&format!("/{uri}")).unwrap();
    let long = "ü".repeat(2000);
    let texts = [
        "<script>alert(1)</script>",
        "\" onload=\"x",
        "a\r\nSet-Cookie: a=b\r\n\r\n<html>",
        "\u{0}\u{202e}\u{1F600}",
        " kept as it is ",
        &long,
    ];
    for text in texts {
        let said = ann.say(&uri, text).expect(200);
        assert_eq!(said.json()["message"], text);
        assert_eq!(said.field("set-cookie"), None);
        assert_eq!(said.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(said.field("content-type"), Some("application/json"));
        assert_eq!(hear(&mut socket)["message"], text);
    }
    let history = ann.history(&uri).expect(200);
    assert_eq!(history.field("content-type"), Some("application/json"));
    let last = history.json()["messages"][5].clone();
    assert_eq!(last, json!({ "user": ann.json(), "message": long }));
    for (body, wrong) in [
        (json!({}), "This field is required."),
        (json!({ "message": null }), "This field is required."),
        (json!({ "message": " \n" }), "This field may not be blank."),
        (
            json!({ "message": format!("{long}x") }),
            "Ensure this field has no more than 2000 characters.",
        ),
    ] {
        let refused = ann.ask("POST", &path, &body).expect(400);
        assert_eq!(refused.json(), json!({ "message": [wrong] }));
    }
    ann.ask("POST", &path, &json!({ "message": ["x"] }))
        .expect(400);
    assert_eq!(ann.said(&uri).len(), texts.len());
    let page = server.example.browser().get("/").expect(200);
    let policy = page.field("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'") && !policy.contains("unsafe"));
    let shared = server
        .example
        .browser()
        .get(&format!("/chats/{uri}/"))
        .expect(200);
    assert_eq!(shared.text(), page.text());
    for asset in ["/static/chat.js", "/static/chat.css"] {
        assert!(page.text().contains(asset));
        let asset = server.example.browser().get(asset).expect(200);
        assert!(
            !asset.text().contains("innerHTML"),
            "what people wrote is text"
        );
    }
}

#[test]
fn asking_for_no_news_costs_no_body() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let uri = ann.start();
    let path = format!("/api/chats/{uri}/messages/");
    let poll = |ann: &mut Person, etag: &str| {
        let fields = [
            ("Authorization", ann.authorization.as_str()),
            ("If-None-Match", etag),
        ];
        ann.browser.ask("GET", &path, &fields, b"")
    };
    let empty = ann.history(&uri).expect(200);
    let first = empty.field("etag").unwrap().to_owned();
    assert_eq!(empty.field("cache-control"), Some("private, no-cache"));
    let same = poll(&mut ann, &first).expect(304);
    assert!(same.body.is_empty());
    assert_eq!(same.field("etag"), Some(first.as_str()));
    assert_eq!(same.field("access-control-allow-origin"), Some("*"));
    ann.say(&uri, "one").expect(200);
    let news = poll(&mut ann, &first).expect(200);
    assert_eq!(news.json()["messages"].as_array().unwrap().len(), 1);
    let second = news.field("etag").unwrap().to_owned();
    poll(&mut ann, &second).expect(304);
    // Another chat is another thing.
    let other = ann.start();
    assert_ne!(
        ann.history(&other).expect(200).field("etag"),
        Some(first.as_str())
    );
    // What is known already is said to members only.
    let mut bo = server.person("bo");
    poll(&mut bo, &second).expect(403);
    // Only what is new, by the number of the last.
    let mut after = |number: &str| {
        let fields = [("Authorization", ann.authorization.as_str())];
        ann.browser
            .ask("GET", &format!("{path}?after={number}"), &fields, b"")
    };
    let all = after("0").expect(200).json();
    assert_eq!(all["messages"].as_array().unwrap().len(), 1);
    let last = all["last"].as_i64().unwrap();
    assert_eq!(
        after(&last.to_string()).expect(200).json()["messages"],
        json!([])
    );
    after("x").expect(400);
    // A page elsewhere may ask like this, too.
    let mut browser = server.example.browser();
    let asked = [
        ("Origin", "http://localhost:8080"),
        ("Access-Control-Request-Method", "GET"),
        (
            "Access-Control-Request-Headers",
            "authorization,if-none-match",
        ),
    ];
    let allowed = browser.ask("OPTIONS", &path, &asked, b"").expect(204);
    let fields = allowed.field("access-control-allow-headers").unwrap();
    assert!(fields.contains("If-None-Match"));
}

#[test]
fn a_history_has_an_end() {
    let server = Server::start();
    let mut ann = server.person("ann");
    let uri = ann.start();
    for number in 0..510 {
        ann.say(&uri, &number.to_string()).expect(200);
    }
    let said = ann.said(&uri);
    assert_eq!(said.len(), 500);
    assert_eq!(
        (said[0].as_str(), said[499].as_str()),
        ("ann: 10", "ann: 509")
    );
}

// ---- listening --------------------------------------------------------------------------------

fn refused(socket: Result<Socket, ConnectError>) -> u16 {
    match socket {
        Err(ConnectError::Refused { status, .. }) => status,
        other => panic!("it should have been refused: {other:?}"),
    }
}

#[test]
fn what_is_said_is_heard_at_both_listeners_in_one_order() {
    let server = Server::start();
    let (mut ann, mut bo) = (server.person("ann"), server.person("bo"));
    let (uri, other) = (ann.start(), ann.start());
    bo.join(&uri).expect(200);
    let path = format!("/{uri}");
    let main = server.example.browser();
    let mut sockets = vec![
        main.socket(&path).unwrap(),
        main.socket(&format!("{path}/")).unwrap(),
        main.socket_from(&path, "http://localhost:8080").unwrap(),
        server.live.socket(&path).unwrap(),
        server
            .live
            .socket_from(&path, "https://elsewhere.example")
            .unwrap(),
        server.live.socket_from(&path, "null").unwrap(),
    ];
    let mut elsewhere = server.live.socket(&format!("/{other}")).unwrap();
    // Whoever talks into it is not heard, and hears on.
    sockets[0].write("{\"message\":\"forged\"}").unwrap();
    ann.say(&uri, "one").expect(200);
    bo.say(&uri, "two").expect(200);
    ann.say(&uri, "/help with three").expect(200);
    ann.say(&other, "elsewhere").expect(200);
    let history = ann.said(&uri);
    assert_eq!(history.len(), 4);
    for socket in &mut sockets {
        let heard: Vec<String> = (0..4).map(|_| line(&hear(socket))).collect();
        assert_eq!(heard, history);
    }
    assert_eq!(line(&hear(&mut elsewhere)), "ann: elsewhere");
    // The API is there, too, and what is no chat is nowhere.
    let mut live = Browser::at(server.live.address());
    live.get("/api/chats/").expect(405);
    live.get(&path).expect(404);
    assert_eq!(refused(live.socket("/000000000000000")), 404);
    assert_eq!(refused(live.socket("/%0d%0ax")), 404);
}

#[test]
fn a_message_reaches_others_when_its_sender_has_gone() {
    use std::io::Write;
    let server = Server::start();
    let mut ann = server.person("ann");
    let uri = ann.start();
    let mut socket = server.live.socket(&format!("/{uri}")).unwrap();
    for number in 0..20 {
        let mut stream = std::net::TcpStream::connect(server.example.address).unwrap();
        let body = format!("message={number}");
        write!(
            stream,
            "POST /api/chats/{uri}/messages/ HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\
             Content-Type: {FORM}\r\nContent-Length: {}\r\n\r\n{body}",
            ann.authorization,
            body.len()
        )
        .unwrap();
        drop(stream);
        assert_eq!(line(&hear(&mut socket)), format!("ann: {number}"));
    }
}

// ---- the bot ----------------------------------------------------------------------------------

#[test]
fn hubot_quotes_what_it_has_read_and_says_where() {
    let docs = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(docs.path().join(name), text).unwrap();
    write(
        "kettles.md",
        "# Descaling\n\nPut vinegar into the kettle and\nboil it twice.\n\n# Colours\n\nKettles are red.\n",
    );
    write("plain.txt", "The zebra crossing opens at noon.\n");
    write("other.bin", "vinegar vinegar vinegar vinegar");
    std::fs::create_dir(docs.path().join("deep")).unwrap();
    write("deep/bees.MD", "Honey keeps for ages. <b>Really</b>.");
    let folder = docs.path().to_str().unwrap();
    let server = Server::with(&["--docs", folder]);
    let mut ann = server.person("ann");
    let uri = ann.start();
    let mut ask = |question: &str| {
        ann.say(&uri, question).expect(200);
        let mut said = ann.said(&uri);
        let answer = said.pop().unwrap();
        assert_eq!(said.pop().unwrap(), format!("ann: {question}"));
        answer
    };
    assert_eq!(
        ask("/how do I use vinegar?"),
        "hubot: “Put vinegar into the kettle and boil it twice.” (kettles.md: Descaling)"
    );
    // Stems of words count, not their forms, and headings count, too.
    assert!(ask("/boiling").contains("Descaling"));
    assert!(ask("/what colour").contains("Kettles are red."));
    assert_eq!(
        ask("/when does the ZEBRA open"),
        "hubot: “The zebra crossing opens at noon.” (plain.txt)"
    );
    assert!(ask("/honey").contains("<b>Really</b>.” (deep/bees.MD)"));
    assert!(ask("/how do I invite somebody").contains("(chat.md: Inviting somebody)"));
    let nothing = "hubot: I found nothing about “xylophone” in what I have read.";
    assert_eq!(ask("/xylophone"), nothing);
    for odd in ["/", "/ ", "/?!", "//"] {
        assert!(ask(odd).contains("Ask me something"), "{odd}");
    }
    for nasty in [
        "/\" OR *",
        "/xylophone NEAR(",
        "/text:xylophone",
        "/xylophone^2 -\"",
        "/'; DROP TABLE users --",
    ] {
        assert!(ask(nasty).starts_with("hubot: "), "{nasty}");
    }
    assert!(ask(&format!("/{}", "vinegar ".repeat(240))).contains("Descaling"));
    // What is no question is not answered.
    ann.say(&uri, "vinegar /help").expect(200);
    assert_eq!(ann.said(&uri).pop().unwrap(), "ann: vinegar /help");
}

#[test]
fn documents_that_are_not_there_are_told_at_the_start() {
    let data = tempfile::tempdir().unwrap();
    let nowhere = data.path().join("nowhere");
    let program = people::program("sessions");
    let output = std::process::Command::new(program)
        .args([
            "--listen",
            "127.0.0.1:0",
            "--ws-listen",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(data.path())
        .arg("--docs")
        .arg(&nowhere)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("--docs") && told.contains("nowhere"),
        "{told}"
    );
}

// ---- what outlasts ----------------------------------------------------------------------------

#[test]
fn a_restart_keeps_everything() {
    let server = Server::start();
    let (mut ann, mut bo) = (server.person("ann"), server.person("bo"));
    let uri = ann.start();
    bo.join(&uri).expect(200);
    ann.say(&uri, "/help").expect(200);
    bo.say(&uri, "hello").expect(200);
    let said = ann.said(&uri);
    assert_eq!(said.len(), 3);
    let etag = ann.history(&uri).field("etag").unwrap().to_owned();
    let jwt = ann.sign_in("jwt", "token");
    // Killed, not asked.
    let server = server.restart();
    ann.browser = server.example.browser();
    bo.browser = server.example.browser();
    assert_eq!(ann.said(&uri), said);
    let fields = [
        ("Authorization", bo.authorization.as_str()),
        ("If-None-Match", etag.as_str()),
    ];
    let path = format!("/api/chats/{uri}/messages/");
    bo.browser.ask("GET", &path, &fields, b"").expect(304);
    ann.authorization = format!("JWT {jwt}");
    let mut socket = server.live.socket(&format!("/{uri}")).unwrap();
    ann.say(&uri, "again").expect(200);
    assert_eq!(line(&hear(&mut socket)), "ann: again");
    bo.sign_in("token", "auth_token");
    let known = json!({ "username": "ann", "password": PASSWORD });
    bo.browser
        .send("POST", "/auth/users/create/", &known)
        .expect(400);
    ann.say(&uri, "/how do I invite somebody").expect(200);
    assert!(ann.said(&uri).pop().unwrap().contains("Inviting somebody"));
}
