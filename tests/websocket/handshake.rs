//! The way in: who is upgraded, who is told what was missing (RFC 6455, section 4.2).

use crate::support::*;

/// An upgrade request with one field replaced, or removed where `line` is empty.
fn request_with(server: &Server, field: &str, line: &str) -> String {
    let good = upgrade(server.address, "/echo", "");
    let start = good
        .find(&format!("{field}:"))
        .expect("a field of the request");
    let end = start + good[start..].find("\r\n").expect("a line end") + 2;
    let line = if line.is_empty() {
        String::new()
    } else {
        format!("{line}\r\n")
    };
    format!("{}{line}{}", &good[..start], &good[end..])
}

fn check_status(server: &Server, request: &str, allowed: &[u16]) -> Response {
    let response = ask(server, request);
    assert!(
        allowed.contains(&response.status),
        "{request}: {response:?}"
    );
    response
}

#[test]
fn the_key_of_the_rfc_gets_the_answer_of_the_rfc() {
    let server = Server::echo();
    let response = ask(&server, &upgrade(server.address, "/echo", ""));
    assert_eq!(response.status, 101);
    assert_eq!(response.one("sec-websocket-accept"), Some(ACCEPT));
    let upgrade = response.one("upgrade").expect("an Upgrade field");
    assert!(upgrade.eq_ignore_ascii_case("websocket"));
    let connection = response.one("connection").expect("a Connection field");
    assert!(connection.eq_ignore_ascii_case("upgrade"));
    assert_eq!(response.one("sec-websocket-extensions"), None);
    assert_eq!(response.one("sec-websocket-protocol"), None);
    assert_eq!(
        response.one("content-length"),
        None,
        "RFC 9110, section 8.6"
    );
    assert_eq!(
        response.one("transfer-encoding"),
        None,
        "RFC 9112, section 6.1"
    );
}

#[test]
fn requests_may_be_written_in_many_ways() {
    let server = Server::echo();
    for (field, line) in [
        ("Upgrade", "Upgrade: WebSocket"),
        ("Upgrade", "UPGRADE: WEBSOCKET"),
        ("Upgrade", "upgrade:websocket"),
        ("Upgrade", "Upgrade:   websocket  "),
        ("Connection", "Connection: keep-alive, Upgrade"),
        ("Connection", "connection: upgrade"),
        ("Connection", "Connection: Upgrade,keep-alive"),
        (
            "Connection",
            "Connection: keep-alive\r\nConnection: Upgrade",
        ),
        ("Sec-WebSocket-Version", "sec-websocket-version:13"),
        (
            "Sec-WebSocket-Key",
            "sec-websocket-key:  dGhlIHNhbXBsZSBub25jZQ==  ",
        ),
        ("Host", "host: anywhere.example:80"),
    ] {
        let response = check_status(&server, &request_with(&server, field, line), &[101]);
        assert_eq!(response.one("sec-websocket-accept"), Some(ACCEPT), "{line}");
    }
    check_status(&server, &upgrade(server.address, "/echo?a=b", ""), &[101]);
}

#[test]
fn whoever_does_not_ask_is_told_to() {
    let server = Server::echo();
    let plain = format!("GET /echo HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let response = check_status(&server, &plain, &[426]);
    assert_eq!(response.one("upgrade"), Some("websocket"));
    // Whoever asks for half of it may be told either.
    for line in ["", "Upgrade: h2c", "Upgrade: websockets"] {
        check_status(
            &server,
            &request_with(&server, "Upgrade", line),
            &[400, 426],
        );
    }
}

#[test]
fn another_version_is_told_which_one_is_spoken() {
    let server = Server::echo();
    for version in ["12", "8", "0", "14", "130", "-13", "x"] {
        let line = format!("Sec-WebSocket-Version: {version}");
        let request = request_with(&server, "Sec-WebSocket-Version", &line);
        let response = check_status(&server, &request, &[426]);
        assert_eq!(response.one("sec-websocket-version"), Some("13"), "{line}");
    }
    check_status(
        &server,
        &request_with(&server, "Sec-WebSocket-Version", ""),
        &[400, 426],
    );
}

#[test]
fn a_bad_request_is_refused() {
    let server = Server::echo();
    for (field, line) in [
        ("Connection", ""),
        ("Connection", "Connection: keep-alive"),
        ("Connection", "Connection: Upgraded"),
        ("Sec-WebSocket-Key", ""),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key:"),
        ("Sec-WebSocket-Key", "Sec-WebSocket-Key: short"),
        (
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j",
        ),
        (
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXM=",
        ),
        (
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ==",
        ),
        (
            "Sec-WebSocket-Key",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
        ),
        ("Host", ""),
    ] {
        check_status(&server, &request_with(&server, field, line), &[400]);
    }
    let twice = format!("Sec-WebSocket-Key: {KEY}\r\n");
    check_status(&server, &upgrade(server.address, "/echo", &twice), &[400]);
}

#[test]
fn only_a_get_of_http_1_1_is_upgraded() {
    let server = Server::echo();
    let good = upgrade(server.address, "/echo", "");
    let not_101 = |request: String| {
        let status = ask(&server, &request).status;
        assert_ne!(status, 101, "{request}");
    };
    not_101(good.replacen("GET", "POST", 1).replacen(
        "\r\n\r\n",
        "\r\nContent-Length: 0\r\n\r\n",
        1,
    ));
    not_101(good.replacen("GET", "PUT", 1).replacen(
        "\r\n\r\n",
        "\r\nContent-Length: 0\r\n\r\n",
        1,
    ));
    not_101(good.replacen("GET", "DELETE", 1));
    not_101(good.replacen("HTTP/1.1", "HTTP/1.0", 1));
    not_101(good.replacen("GET /echo", "GET /", 1));
    not_101(good.replacen("GET /echo", "GET /nothing/here", 1));
}

#[test]
fn a_subprotocol_nobody_speaks_is_not_chosen() {
    let server = Server::echo();
    for offer in ["chat", "chat, superchat", "soap, wamp"] {
        let field = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        let response = ask(&server, &upgrade(server.address, "/echo", &field));
        assert_eq!(response.status, 101);
        assert_eq!(response.one("sec-websocket-protocol"), None);
    }
}

#[test]
fn frames_may_come_together_with_the_request() {
    let server = Server::echo();
    for piece in [usize::MAX, 1, 100] {
        let mut peer = Peer::connect(server.address);
        let request = upgrade(server.address, "/echo", "").into_bytes();
        let frames = [text("at once"), ping(b"p"), binary(b"and more")].concat();
        peer.send_in_pieces(&[request, frames].concat(), piece);
        assert_eq!(peer.response().status, 101);
        peer.hear(
            "frames at once",
            &[say("at once"), ponged(b"p"), bytes(b"and more")],
        );
    }
}

#[test]
fn an_upgrade_may_follow_other_requests() {
    let server = Server::echo();
    let plain = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    let request = [plain.repeat(3), upgrade(server.address, "/echo", "")].concat();
    let mut peer = Peer::connect(server.address);
    peer.send(&[request.as_bytes(), &text("after all")].concat());
    for _ in 0..3 {
        let response = peer.response();
        assert_eq!(response.status, 200);
        assert_eq!(response.one("content-length").map(str::to_owned), {
            Some(response.body.len().to_string())
        });
    }
    assert_eq!(peer.response().status, 101);
    peer.hear("after other requests", &[say("after all")]);
}

#[test]
fn a_refused_upgrade_leaves_the_connection_usable_or_says_that_it_does_not() {
    let server = Server::echo();
    let refused = request_with(&server, "Sec-WebSocket-Version", "Sec-WebSocket-Version: 8");
    let mut peer = Peer::connect(server.address);
    peer.send(refused.as_bytes());
    let response = peer.response();
    assert_eq!(response.status, 426);
    if response
        .one("connection")
        .is_some_and(|value| value.to_lowercase().contains("close"))
    {
        assert_eq!(peer.event(), Event::End);
        return;
    }
    peer.send(upgrade(server.address, "/echo", "").as_bytes());
    assert_eq!(peer.response().status, 101);
    peer.send(&text("second try"));
    peer.hear("a second try", &[say("second try")]);
}

#[test]
fn pages_are_served_beside() {
    let server = Server::echo();
    for path in ["/robots.txt", "/healthz"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        let response = check_status(&server, &request, &[200]);
        assert!(!response.body.is_empty(), "{path} says something");
    }
}
